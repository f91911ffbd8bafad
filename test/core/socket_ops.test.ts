import { once } from 'node:events';
import { connect as nodeConnect, type Socket } from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import {
  accept,
  acceptMultishot,
  bind,
  BufferRing,
  chain,
  close,
  connect,
  constants,
  decodeAddress,
  encodeAddress,
  getsockopt,
  listen,
  localAddress,
  peerAddress,
  recv,
  recvMultishot,
  recvmsg,
  ring,
  send,
  sendmsg,
  sendZc,
  setsockopt,
  shutdown,
  socket,
  type InternetAddress,
} from 'ringcore/core';
import {
  bind as bindAnyhow,
  closeQuietly,
  descriptorsAtRest,
  descriptorsBackAt,
  exception,
  lacking,
  listeningSocket,
  socketOptions,
  rejection,
  shortDirectory,
  socketPair,
} from './support.js';

const { AF_INET, AF_INET6, AF_UNIX, SOCK_DGRAM, SOCK_STREAM, SOL_SOCKET } = constants;

t.test('addresses', (t) => {
  const examples = [
    { family: 'IPv4', address: '127.0.0.1', port: 8080 },
    { family: 'IPv6', address: '::1', port: 65535 },
    { path: '/run/socket' },
  ] as const;
  for (const address of examples) {
    t.strictSame(decodeAddress(encodeAddress(address).sockaddr), address);
  }
  t.match(
    exception(() => encodeAddress({ address: 'localhost', port: 1 })),
    { code: 'ERR_INVALID_ARG_VALUE' },
  );
  t.match(
    exception(() => encodeAddress({ address: '::1', family: 'IPv4', port: 1 })),
    {
      code: 'ERR_INVALID_ARG_VALUE',
    },
  );
  t.match(
    exception(() => encodeAddress({ address: '::1', port: 65536 })),
    { code: 'ERR_SOCKET_BAD_PORT' },
  );
  t.match(
    exception(() => encodeAddress({ path: 'a\0b' })),
    { code: 'ERR_INVALID_ARG_VALUE' },
  );
  t.end();
});

t.test('socket, bind, listen, accept, connect', lacking('socket', 'bind', 'listen'), async (t) => {
  t.test('on IPv4: addresses of both ends', async (t) => {
    const [client, server] = await socketPair(t);
    t.strictSame(peerAddress(client), localAddress(server));
    t.strictSame(peerAddress(server), localAddress(client));
  });

  t.test('on IPv6', async (t) => {
    const fd = await socket(AF_INET6);
    t.teardown(() => closeQuietly(fd));
    await bind(fd, { address: '::1', port: 0 });
    await listen(fd);
    t.match(localAddress(fd), { family: 'IPv6', address: '::1' });
  });

  t.test('on a Unix socket, set up by one chain', async (t) => {
    const path = join(shortDirectory(t), 'socket');
    const fd = await socket(AF_UNIX);
    const client = await socket(AF_UNIX);
    await chain([bind(fd, { path }), listen(fd), connect(client, { path })]);
    const server = await accept(fd);
    t.strictSame(localAddress(server), { path });
    await Promise.all([fd, client, server].map((each) => close(each)));
    const other = await socket(AF_UNIX);
    t.teardown(() => closeQuietly(other));
    t.match(await rejection(connect(other, { path: '/nowhere/s' })), {
      code: 'ENOENT',
      address: '/nowhere/s',
    });
  });

  t.test('direct descriptors', async (t) => {
    const listener = await listeningSocket(t);
    const client = await socket(AF_INET, SOCK_STREAM, { direct: true });
    const [server] = await Promise.all([
      accept(listener.fd, { direct: true }),
      connect(client, listener.address),
    ]);
    t.equal(await send(client, Buffer.from('direct')), 6);
    t.equal(await recv(server, Buffer.alloc(10)), 6);
    await Promise.all([client.close(), server.close()]);
  });

  t.test('errors', async (t) => {
    t.match(await rejection(socket(12345)), { code: 'EAFNOSUPPORT', syscall: 'socket' });
    const { fd, address } = await listeningSocket(t);
    const second = await socket(AF_INET);
    t.teardown(() => closeQuietly(second));
    const inUse = await rejection(bind(second, address));
    t.match(inUse, { code: 'EADDRINUSE', syscall: 'bind', address: '127.0.0.1', port: address.port });
    t.match(await rejection(accept(second)), { code: 'EINVAL', syscall: 'accept' });
    t.match(await rejection(accept(0)), { code: 'ENOTSOCK' });
    t.match(await rejection(listen(0)), { code: 'ENOTSOCK', syscall: 'listen' });
    t.match(await rejection(accept(fd, { timeout: 5 })), { code: 'ETIMEDOUT', syscall: 'accept' });
  });

  t.test('a connect that waits is cancelled', async (t) => {
    const fd = await socket(AF_INET);
    t.teardown(() => closeQuietly(fd));
    // TEST-NET-1: nobody answers. Where the network refuses at once, that is an error too.
    const controller = new AbortController();
    const operation = connect(fd, { address: '192.0.2.1', port: 1 }, { signal: controller.signal }).submit();
    ring().enter();
    controller.abort();
    t.match(await rejection(operation), { name: /AbortError|Error/ });
    await operation.released;
  });
});

t.test('a cancelled accept closes the connection that comes late', async (t) => {
  const { fd, address } = await listeningSocket(t);
  const round = async (): Promise<void> => {
    const controller = new AbortController();
    const operation = accept(fd, { signal: controller.signal, flags: { async: true } }).submit();
    ring().enter();
    const client = nodeConnect(address.port, address.address);
    await once(client, 'connect');
    controller.abort();
    const outcome = await operation.then(
      (accepted) => close(accepted).then(() => 'accepted'),
      (error: Error) => error.name,
    );
    // Cancelled in time: the connection is still in the backlog.
    if (outcome === 'AbortError' && (await operation.released) < 0) await close(await accept(fd));
    client.destroy();
    await once(client, 'close');
  };
  // Node opens a descriptor of its own at the first connection.
  await round();
  const before = await descriptorsAtRest();
  for (let i = 0; i < 50; i++) await round();
  t.equal((await descriptorsBackAt(before)).length, before.length);
});

t.test('send, recv and their relatives', async (t) => {
  t.test('send and recv', async (t) => {
    const [client, server] = await socketPair(t);
    t.equal(await send(client, Buffer.from('hello'), { offset: 1, length: 3 }), 3);
    const buffer = Buffer.alloc(10);
    t.equal(await recv(server, buffer, { offset: 2 }), 3);
    t.equal(buffer.toString('latin1', 2, 5), 'ell');
    t.match(await rejection(recv(server, buffer, { timeout: 5 })), { code: 'ETIMEDOUT', syscall: 'recv' });
    t.match(await rejection(recv(server, buffer, { msgFlags: constants.MSG_DONTWAIT })), { code: 'EAGAIN' });
    const operation = recv(server, buffer).submit();
    operation.cancel('enough');
    t.match(await rejection(operation), { name: 'AbortError', cause: 'enough' });
    await operation.released;
    const [sent, received] = await chain([send(client, Buffer.from('x')), recv(server, buffer)]);
    t.strictSame([sent, received], [1, 1]);
    t.match(await rejection(send(0, buffer)), { code: /ENOTSOCK|EBADF/ });
  });

  t.test('sendZc holds the buffer until the notification', lacking('send_zc'), async (t) => {
    const [client, server] = await socketPair(t);
    const operation = sendZc(client, Buffer.alloc(50_000, 'z'), { msgFlags: constants.MSG_WAITALL });
    t.equal(await operation, 50_000);
    const buffer = Buffer.alloc(50_000);
    t.equal(await recv(server, buffer, { msgFlags: constants.MSG_WAITALL }), 50_000);
    t.equal(await operation.released, 0);
    t.equal(operation.state, 'done');
    t.equal(buffer[49_999], 'z'.charCodeAt(0));
    await close(client);
    await rejection(recv(server, buffer).then(() => Promise.reject(new Error('FIN'))));
    t.match(await rejection(sendZc(client, buffer)), { code: 'EBADF', syscall: 'send' });
    t.throws(() => sendZc(client, buffer, { flags: { drain: true } }), { code: 'ERR_INVALID_ARG_VALUE' });
  });

  t.test('a sendZc that runs out of time', lacking('send_zc'), async (t) => {
    const [client] = await socketPair(t);
    const buffer = Buffer.alloc(8 << 20);
    // The peer does not read: at last there is no room.
    let error: unknown;
    const attempts = [];
    while (error === undefined && attempts.length < 20) {
      const attempt = sendZc(client, buffer, { timeout: 50 });
      attempts.push(attempt);
      error = await attempt.then(
        () => undefined,
        (reason: unknown) => reason,
      );
    }
    t.match(error, { name: 'TimeoutError', code: 'ETIMEDOUT', syscall: 'send' });
    await close(client);
  });

  t.test('sendmsg and recvmsg', async (t) => {
    const [a, b] = await Promise.all([socket(AF_INET, SOCK_DGRAM), socket(AF_INET, SOCK_DGRAM)]);
    t.teardown(() => [a, b].forEach(closeQuietly));
    await bindAnyhow(a, { address: '127.0.0.1', port: 0 });
    await bindAnyhow(b, { address: '127.0.0.1', port: 0 });
    const address = localAddress(b) as InternetAddress;
    t.equal(await sendmsg(a, [Buffer.from('data'), Buffer.from('gram')], { address }), 8);
    const parts = [Buffer.alloc(3), Buffer.alloc(2)];
    const message = await recvmsg(b, parts);
    t.strictSame(message, { bytes: 5, address: localAddress(a), msgFlags: constants.MSG_TRUNC });
    t.equal(Buffer.concat(parts).toString(), 'datag');
    t.match(await rejection(sendmsg(a, parts)), { code: 'EDESTADDRREQ', syscall: 'sendmsg' });
    t.match(await rejection(recvmsg(b, parts, { timeout: 5 })), { code: 'ETIMEDOUT', syscall: 'recvmsg' });
  });

  t.test('shutdown', async (t) => {
    const [client, server] = await socketPair(t);
    await chain([send(client, Buffer.from('last')), shutdown(client)]);
    const buffer = Buffer.alloc(10);
    t.equal(await recv(server, buffer), 4);
    t.equal(await recv(server, buffer), 0);
    t.match(await rejection(send(client, buffer)), { code: 'EPIPE', syscall: 'send' });
    const fd = await socket(AF_INET);
    t.teardown(() => closeQuietly(fd));
    t.match(await rejection(shutdown(fd)), { code: 'ENOTCONN', syscall: 'shutdown' });
  });

  t.test('getsockopt and setsockopt', await socketOptions(), async (t) => {
    const [client] = await socketPair(t);
    await setsockopt(client, SOL_SOCKET, constants.SO_KEEPALIVE, true);
    t.equal(await getsockopt(client, SOL_SOCKET, constants.SO_KEEPALIVE), 1);
    await setsockopt(client, SOL_SOCKET, constants.SO_LINGER, Int32Array.of(1, 5));
    const linger = await getsockopt(client, SOL_SOCKET, constants.SO_LINGER, { length: 8 });
    t.strictSame([linger.readInt32LE(0), linger.readInt32LE(4)], [1, 5]);
    t.match(await rejection(getsockopt(client, SOL_SOCKET, 9999)), { code: 'ENOPROTOOPT' });
    t.match(await rejection(setsockopt(client, SOL_SOCKET, 9999, 1)), { code: 'ENOPROTOOPT' });
    await setsockopt(client, SOL_SOCKET, constants.SO_LINGER, Int32Array.of(0, 0));
  });
});

t.test('acceptMultishot', async (t) => {
  t.test('takes every connection; break stops it and closes what nobody took', async (t) => {
    const { fd, address } = await listeningSocket(t);
    const before = await descriptorsAtRest();
    const clients: Socket[] = [];
    const connections = acceptMultishot(fd, { highWaterMark: 4 });
    t.equal(connections.slot, -1, 'nothing is submitted before the iteration');
    let taken = 0;
    for (let i = 0; i < 20; i++) clients.push(nodeConnect(address.port, address.address));
    await Promise.all(clients.map((client) => once(client, 'connect')));
    for await (const connection of connections) {
      await close(connection);
      if (++taken === 15) break;
    }
    t.equal(connections.slot, -1);
    t.equal(connections.queued, 0);
    for (const client of clients) client.on('error', () => {}).destroy();
    for (const client of clients) if (!client.closed) await once(client, 'close');
    t.equal((await descriptorsBackAt(before)).length, before.length);
  });

  t.test('an abort rejects at once, removes its listener and leaves nothing open', async (t) => {
    const { fd } = await listeningSocket(t);
    const controller = new AbortController();
    const connections = acceptMultishot(fd, { signal: controller.signal })[Symbol.asyncIterator]();
    const next = connections.next();
    controller.abort('stop');
    t.match(await rejection(next), { name: 'AbortError', cause: 'stop' });
    t.strictSame(await connections.next(), { done: true, value: undefined });
    t.match(await rejection(acceptMultishot(fd, { timeout: 5 })[Symbol.asyncIterator]().next()), {
      code: 'ETIMEDOUT',
    });
    t.match(await rejection(acceptMultishot(0)[Symbol.asyncIterator]().next()), { code: 'ENOTSOCK' });
  });
});

t.test('recvMultishot', async (t) => {
  for (const incremental of [undefined, false]) {
    t.test(`receives everything, in order, to the FIN (incremental: ${incremental})`, async (t) => {
      const [client, server] = await socketPair(t);
      const options = incremental === undefined ? {} : { incremental };
      const buffers = new BufferRing({ entries: 2, bufferBytes: 4096, ...options });
      t.teardown(() => buffers.close());
      const sent = Buffer.alloc(300_000, 'abcdefghijklmnopqrstuvwxyz0123456789');
      const sending = (async () => {
        for (let at = 0; at < sent.length;) at += await send(client, sent, { offset: at });
        await shutdown(client);
      })();
      const chunks: Buffer[] = [];
      for await (const chunk of recvMultishot(server, { buffers })) chunks.push(chunk);
      await sending;
      t.ok(Buffer.concat(chunks).equals(sent));
    });
  }

  t.test('what has arrived when the loop is left begins the next iteration', async (t) => {
    const [client, server] = await socketPair(t);
    const chunks = recvMultishot(server);
    let received = '';
    for (const word of ['one ', 'two ', 'three ', 'four ']) {
      await send(client, Buffer.from(word));
      for await (const chunk of chunks) {
        received += String(chunk);
        // More comes while the multishot is armed and nobody reads.
        await send(client, Buffer.from('and '));
        break;
      }
    }
    await shutdown(client);
    for await (const chunk of chunks) received += String(chunk);
    t.equal(received.split(' ').sort().join(' ').trim(), 'and and and and four one three two');
  });

  t.test('a reader that does not read stops it', async (t) => {
    const [client, server] = await socketPair(t);
    const buffers = new BufferRing({ entries: 4, bufferBytes: 4096 });
    t.teardown(() => buffers.close());
    const chunks = recvMultishot(server, { buffers, highWaterMark: 3 });
    const iterator = chunks[Symbol.asyncIterator]();
    const total = 5_000_000;
    let sentBytes = 0;
    const sending = (async () => {
      const part = Buffer.alloc(100_000, 'x');
      while (sentBytes < total) sentBytes += await send(client, part);
      await shutdown(client);
    })();
    let bytes = (await iterator.next()).value?.length ?? 0;
    // Until the sender is stuck: nothing moves for some turns.
    for (let idle = 0; idle < 200; idle++) {
      const last = sentBytes;
      await new Promise((resolve) => setImmediate(resolve));
      if (sentBytes !== last) idle = 0;
    }
    t.ok(chunks.queued < 64, `${chunks.queued} chunks wait`);
    t.equal(chunks.slot, -1, 'it is not armed');
    for (let result = await iterator.next(); !result.done; result = await iterator.next()) {
      bytes += result.value.length;
    }
    await sending;
    t.equal(bytes, sentBytes);
    t.ok(chunks.armings > 1);
  });
});
