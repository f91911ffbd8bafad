// Promise 10: any failure to set the ring up still gives node's behaviour, with the reason; strict mode makes it a clear
// error. (What the reason says: test/core/backend.test.ts, by strace.)
// Shown to fail: `decide` (lib/core/backend.ts) rethrowing all but EPERM and ENOSYS: the imports failed. `Ring::~Ring`
// (native/ring/ring.cc) not closing the eventfd: it was left.
import { constants } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { runScript } from '../core/support.js';
import { faultEnvironment } from '../faults/runner.js';

const script = `
  import { once } from 'node:events';
  import { readdirSync, readlinkSync } from 'node:fs';
  // Of a ring: its descriptor and its eventfd, beside those of libuv.
  const ofRings = () => readdirSync('/proc/self/fd').filter((fd) => {
    try { return /io_uring|eventfd/.test(readlinkSync('/proc/self/fd/' + fd)); } catch { return false; }
  }).length;
  const before = ofRings();
  const { backend, fs, fsPromises, net } = await import('ringcore');
  const left = ofRings() - before;
  const text = await fsPromises.readFile('/etc/passwd', 'utf8');
  const same = text === fs.readFileSync('/etc/passwd', 'utf8');
  const server = net.createServer((socket) => socket.end('hello')).listen(0);
  await once(server, 'listening');
  let got = '';
  for await (const chunk of net.connect(server.address().port)) got += chunk;
  server.close();
  const { name, code, reason, remedy } = backend;
  console.log(JSON.stringify({ name, code, told: Boolean(reason && remedy), same, got, left }));`;

const { errno } = constants;
type Failure = [call: number, code: keyof typeof errno, what: string];
const setup: Failure[] = (
  ['EPERM', 'EACCES', 'ENOSYS', 'ENOMEM', 'EOPNOTSUPP', 'EMFILE', 'EINVAL', 'EFAULT'] as const
).map((code) => [1, code, `io_uring_setup ${code}`]);
// The sixth, for the ring's own index, may fail.
const registering: Failure[] = [1, 2, 3, 4, 5, 7, 8].map((nth) => [
  1 + nth,
  'EINVAL',
  `io_uring_register ${nth}`,
]);
const entering: Failure[] = [[100, 'EPERM', 'io_uring_enter']];

t.test('each step, and many errnos', async (t) => {
  const directory = t.testdir();
  const one = async ([call, code, what]: Failure): Promise<void> => {
    const env = faultEnvironment(join(directory, `plan ${what}`), { call, errno: errno[code] });
    delete env.RINGCORE_BACKEND;
    const soft = await runScript(script, { env });
    t.strictSame(
      soft.stdout && JSON.parse(soft.stdout),
      { name: 'node', code, told: true, same: true, got: 'hello', left: 0 },
      `${what} ${soft.stderr}`,
    );
    const strict = await runScript(`import 'ringcore';`, { env: { ...env, RINGCORE_BACKEND: 'io_uring' } });
    t.match(strict, { code: 1, stderr: /ERR_RINGCORE_UNAVAILABLE/ }, `${what}, strict`);
  };
  const queue = [...setup, ...registering, ...entering].values();
  const worker = async (): Promise<void> => {
    for (const failure of queue) await one(failure);
  };
  await Promise.all([worker(), worker()]);
});
