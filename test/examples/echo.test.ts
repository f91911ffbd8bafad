import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { buffer } from 'node:stream/consumers';
import t from 'tap';
import { commandOf, noRing, root, runExample } from './run_example.js';

for (const backend of ['io_uring', 'node']) {
  const skip = backend === 'io_uring' && noRing;

  t.test(`echo --self-test on ${backend}`, { skip }, async (t) => {
    const { code, stdout, stderr } = await runExample(['echo', '--self-test'], { backend });
    t.equal(stderr, '');
    t.equal(code, 0);
    t.match(stdout.toString(), new RegExp(`^backend: ${backend}`));
    t.match(stdout.toString(), /self-test: \d+ bytes over 8 connections came back as they were/);
  });

  t.test(`echo as a server on ${backend}`, { skip }, async (t) => {
    const [command = '', ...args] = commandOf(['echo', '--port', '0']);
    const child = spawn(command, args, {
      cwd: root,
      env: { ...process.env, RINGCORE_BACKEND: backend },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const ended = once(child, 'exit');
    let port = 0;
    for await (const line of createInterface(child.stdout)) {
      port = Number(/^listening on 127\.0\.0\.1:(\d+)/.exec(line)?.[1] ?? 0);
      if (port > 0) break;
    }
    t.ok(port > 0);

    const data = Buffer.alloc(1_000_000, 'some text, and more of it; ');
    const clients = Array.from({ length: 10 }, async () => {
      const socket = connect(port, '127.0.0.1');
      socket.end(data);
      return buffer(socket);
    });
    for (const echoed of await Promise.all(clients)) t.ok(echoed.equals(data));

    // A peer that resets its connection is no reason to end.
    const rude = connect(port, '127.0.0.1');
    await once(rude, 'connect');
    rude.write('x');
    rude.resetAndDestroy();

    const late = connect(port, '127.0.0.1');
    late.write('still there?');
    t.equal(String((await once(late, 'data'))[0]), 'still there?');
    child.kill('SIGINT');
    late.end(' yes');
    t.equal((await buffer(late)).toString(), ' yes', 'a connection that is open goes on');
    t.same(await ended, [0, null]);
  });
}
