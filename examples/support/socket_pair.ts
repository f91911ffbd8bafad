// Two sockets connected with each other, as socketpair(2) gives them: made of the ring's operations.
import { randomUUID } from 'node:crypto';
import { accept, bind, close, connect, constants, listen, socket } from 'ringcore/core';

const { AF_UNIX, SOCK_STREAM } = constants;

export async function socketPair(): Promise<[number, number]> {
  // In the abstract name space: no file, and the name is free again when the listener is closed.
  const address = { path: `\0ringcore-${randomUUID()}` };
  const [listener, client] = await Promise.all([socket(AF_UNIX, SOCK_STREAM), socket(AF_UNIX, SOCK_STREAM)]);
  try {
    await bind(listener, address);
    await listen(listener, 1);
    const [server] = await Promise.all([accept(listener), connect(client, address)]);
    return [client, server];
  } catch (error) {
    await close(client);
    throw error;
  } finally {
    await close(listener);
  }
}
