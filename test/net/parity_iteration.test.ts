// `for await (const chunk of socket)`, which passes the stream by where it can: what a loop sees must be what it sees on
// node:net. Broken to see it fail: no listener of 'close' (a loop that waits forever), or of 'error' (an uncaught one); no
// destroyer() where a loop is left; #isAlone() always true ('data' events are missing, strings come as bytes); none of 'end'
// (reordered ends); no #handOver() where it is asked twice.
import { once } from 'node:events';
import nodeNet from 'node:net';
import { setImmediate } from 'node:timers/promises';
import t from 'tap';
import { createServer, connect } from 'ringcore/net';
import { describe, port, scenario, serving, watch, type Log } from './scenarios.js';
import { closed, collect, pattern, portOf, sleep, until } from './support.js';

type Run = (at: nodeNet.Socket, peer: nodeNet.Socket, log: Log) => Promise<unknown>;

/** `at`: the socket with the loop, which a server has accepted; `peer`: its other end. */
function looping(name: string, run: Run, options: nodeNet.ServerOpts = {}): void {
  scenario(name, async (net, log) => {
    const server = await serving(net, options);
    const accepted = once(server, 'connection') as Promise<[nodeNet.Socket]>;
    const peer = nodeNet.connect({ port: port(server), host: '127.0.0.1', allowHalfOpen: true });
    peer.on('error', () => {}).resume();
    const [at] = await accepted;
    // Not 'finish': a FIN is sent at once here, by libuv in the next turn of the event loop, if the socket lives to see it.
    watch(log, 'socket', at, ['end', 'close']);
    let gone = false;
    at.on('close', () => (gone = true));
    try {
      await run(at, peer, log);
    } catch (error) {
      log('socket', 'threw', describe(error));
    }
    await sleep(20);
    if (at.destroyed) await until(() => gone);
    log('socket', 'is', at.destroyed, at.readableEnded, at.readableDidRead, describe(at.errored));
    at.destroy();
    peer.destroy();
    server.close();
    await once(server, 'close');
  });
}

/** The loop: notes each chunk, then does what `each` says. */
async function loop(at: nodeNet.Socket, log: Log, each?: (text: string) => unknown): Promise<void> {
  for await (const chunk of at) {
    log('socket', 'chunk', typeof chunk, String(chunk));
    await each?.(String(chunk));
  }
  log('socket', 'loop ended');
}

looping('chunks, then the end', async (at, peer, log) => {
  peer.write('a');
  await loop(at, log, (text) => {
    if (text === 'a') peer.write('b');
    if (text === 'b') peer.end('c');
  });
});

looping('what came before the loop', async (at, peer, log) => {
  peer.end('early');
  await until(() => at.bytesRead === 5);
  await loop(at, log);
});

looping('what comes while the loop does something else is one chunk', async (at, peer, log) => {
  peer.write('a');
  await loop(at, log, async (text) => {
    if (text !== 'a') return;
    peer.write('b');
    await until(() => at.bytesRead === 2);
    peer.write('c');
    await until(() => at.bytesRead === 3);
    void read(at, 3).then(() => peer.end());
  });
});

for (const allowHalfOpen of [false, true]) {
  looping(
    `the end, half open: ${allowHalfOpen}`,
    async (at, peer, log) => {
      at.on('error', (error) => log('socket', 'error', describe(error)));
      peer.end('x');
      await loop(at, log);
    },
    { allowHalfOpen },
  );
}

/** The stream knows of the peer's end, or of a worse one. */
const over = (at: nodeNet.Socket) =>
  until(() => at.destroyed || (at as unknown as { _readableState: { ended: boolean } })._readableState.ended);

/** So many bytes have come, and somebody has read them. */
const read = (at: nodeNet.Socket, bytes: number) =>
  until(() => at.bytesRead === bytes && at.readableLength === 0);

for (const waits of [true, false]) {
  /** Something happens when the first chunk has come; what it does has arrived when it resolves. */
  const during = (what: string, act: Run) =>
    looping(`${what} ${waits ? 'while it waits' : 'while it is busy'}`, async (at, peer, log) => {
      peer.write('a');
      let acted: Promise<unknown> | undefined;
      await loop(at, log, async (text) => {
        if (text !== 'a') return;
        if (waits) acted = setImmediate().then(() => act(at, peer, log));
        else await act(at, peer, log);
      });
      await acted;
    });
  during('destroyed', (at) => Promise.resolve(at.destroy()));
  during('destroyed with an error', (at) => Promise.resolve(at.destroy(new RangeError('mine'))));
  during('reset by its peer', async (at, peer) => {
    peer.resetAndDestroy();
    await over(at);
  });
  during('ended by its peer', async (at, peer) => {
    peer.end();
    await over(at);
  });
  during('text from now on,', async (at, peer) => {
    at.setEncoding('utf8');
    peer.end('é');
    await over(at);
  });
  during('somebody listens to data from now on,', async (at, peer, log) => {
    at.on('data', (chunk) => log('socket', 'data', String(chunk)));
    peer.end('b');
    await over(at);
  });
  during('somebody reads, too,', async (at, peer, log) => {
    at.once('readable', () => log('socket', 'read', String(at.read())));
    peer.write('b');
    await read(at, 2);
    peer.end('c');
    await over(at);
  });
  during('given back', async (at, peer) => {
    at.unshift(Buffer.from('again'));
    if (waits) await read(at, 1);
    peer.end();
    await over(at);
  });
  during('paused and resumed', async (at, peer) => {
    at.pause();
    peer.write('b');
    await until(() => at.bytesRead === 2);
    if (waits) await read(at, 2);
    at.resume();
    peer.end('c');
    await over(at);
  });
}

looping('break', async (at, peer, log) => {
  peer.write('a');
  for await (const chunk of at) {
    log('socket', 'chunk', String(chunk));
    break;
  }
  log('socket', 'left', at.destroyed);
});

looping('an exception in the loop', async (at, peer, log) => {
  peer.write('a');
  await loop(at, log, () => Promise.reject(new RangeError('mine')));
});

looping('a loop that keeps the socket, then another', async (at, peer, log) => {
  peer.write('a');
  for await (const chunk of at.iterator({ destroyOnReturn: false })) {
    log('socket', 'chunk', String(chunk));
    break;
  }
  peer.end('b');
  await loop(at, log);
});

looping('asked several times at once', async (at, peer, log) => {
  const iterator = at[Symbol.asyncIterator]();
  const all = [iterator.next(), iterator.next(), iterator.next()];
  peer.write('a');
  await all[0];
  peer.end('b');
  for (const { done, value } of await Promise.all(all)) log('socket', 'next', done, String(value));
  const last: unknown = await iterator.next();
  log('socket', 'next', last);
});

looping('left while it waits', async (at, peer, log) => {
  const iterator = at[Symbol.asyncIterator]();
  const next = iterator.next().then(({ value }) => log('socket', 'next', String(value)));
  const left = iterator.return!().then(({ done }) => log('socket', 'return', done));
  peer.write('a');
  await Promise.all([next, left]);
});

looping('left before it began, and asked again', async (at, _peer, log) => {
  const iterator = at[Symbol.asyncIterator]();
  log('socket', 'return', await iterator.return!(undefined));
  const next: unknown = await iterator.next();
  log('socket', 'next', next, at.destroyed);
});

looping('thrown into', async (at, peer, log) => {
  const iterator = at[Symbol.asyncIterator]();
  peer.write('a');
  await iterator.next();
  await iterator.throw!(new RangeError('mine')).catch((error: unknown) =>
    log('socket', 'threw', describe(error)),
  );
  log('socket', 'next', await iterator.next());
});

looping(
  'two loops share what comes',
  async (at, peer, log) => {
    const one = loop(at, (...entry) => log(...entry));
    const other = loop(at, () => {});
    peer.end('x');
    await Promise.all([one, other]);
  },
  { allowHalfOpen: false },
);

looping('a socket that is destroyed already', async (at, _peer, log) => {
  at.destroy();
  await loop(at, log);
});

looping('one that has ended already', async (at, peer, log) => {
  peer.end();
  at.resume();
  await once(at, 'end');
  await loop(at, log);
});

void t.test('every byte, in order, while the loop is slow now and then', async (t) => {
  const bytes = pattern(8 * 1024 * 1024);
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'connection') as Promise<[AsyncIterable<Buffer>]>;
  const received = accepted.then(async ([socket]) => {
    const chunks: Buffer[] = [];
    for await (const chunk of socket) {
      chunks.push(chunk);
      if (chunks.length % 16 === 0) await sleep(1);
    }
    return Buffer.concat(chunks);
  });
  const client = connect(portOf(server), '127.0.0.1');
  let at = 0;
  for (let size = 1; at < bytes.length; size = (size * 7 + 13) % 100_000) {
    if (!client.write(bytes.subarray(at, at + size))) await once(client, 'drain');
    at += size;
  }
  client.end();
  t.ok(bytes.equals(await received));
  t.equal((await collect(client as AsyncIterable<Buffer>)).length, 0);
  await closed(server);
});
