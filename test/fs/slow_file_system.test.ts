// A file system that does not answer: a FUSE program that is stopped. The event loop goes on, whatever is asked of it.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import nodeFs from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { text } from 'node:stream/consumers';
import { setTimeout as wait } from 'node:timers/promises';
import { backend, stats } from 'ringcore/core';
import fs from 'ringcore/fs';
import fsPromises from 'ringcore/fs/promises';
import t from 'tap';
import { descriptors, listeners, settledDescriptors } from './helpers.js';

const dir = t.testdir({ source: {}, mounted: {}, elsewhere: 'fast' });
const source = join(dir, 'source');
const mounted = join(dir, 'mounted');
const elsewhere = join(dir, 'elsewhere');
const blockedMs = 60;

/** The program behind the mounted directory. */
interface Daemon {
  pid: number;
  stop(): void;
  go(): void;
  end(): Promise<void>;
}

const isMounted = (): boolean => nodeFs.readFileSync('/proc/self/mountinfo', 'utf8').includes(` ${mounted} `);

/**
 * Mounts `source` on `mounted`. A second process sees to it that nothing is left stopped or mounted, however this one
 * ends: it waits for the end of its input, and then cleans up.
 */
async function mount(cacheSeconds: number): Promise<Daemon | string> {
  const timeouts = `attr_timeout=${cacheSeconds},entry_timeout=${cacheSeconds}`;
  const daemon = spawn('bindfs', ['-f', '-o', timeouts, source, mounted], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const message = text(daemon.stderr);
  const failed = await Promise.race([once(daemon, 'spawn'), once(daemon, 'error')]).then(
    () => daemon.pid === undefined,
    () => true,
  );
  if (failed) return 'bindfs is not installed';
  const script = 'cat > /dev/null; kill -CONT "$1"; umount -l "$2"; kill "$1"';
  const janitor = spawn('sh', ['-c', script, 'sh', String(daemon.pid), mounted], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  const ended = Promise.all([once(daemon, 'close'), once(janitor, 'close')]);
  const end = async (): Promise<void> => {
    janitor.stdin.end();
    await ended;
  };
  while (!isMounted()) {
    if (daemon.exitCode !== null) {
      await end();
      return `FUSE does not work here: ${(await message).trim()}`;
    }
    await wait(10);
  }
  return { pid: daemon.pid!, stop: () => daemon.kill('SIGSTOP'), go: () => daemon.kill('SIGCONT'), end };
}

type Call = (signal?: AbortSignal) => Promise<unknown>;
const file = join(mounted, 'file');

/** What is asked of the mounted files, each with what comes out of it. */
const calls: Record<string, [call: Call, expected: unknown]> = {
  stat: [async () => (await fsPromises.stat(file)).size, 7],
  lstat: [async () => (await fsPromises.lstat(file)).size, 7],
  'stat of what is not there': [() => fsPromises.stat(join(mounted, 'absent')).catch(codeOf), 'ENOENT'],
  'stat by callback': [() => new Promise((resolve) => fs.stat(file, (_, { size }) => resolve(size))), 7],
  access: [() => fsPromises.access(file), undefined],
  open: [(signal) => openAndClose('r', signal), 'closed'],
  'open for writing': [(signal) => openAndClose('r+', signal), 'closed'],
  'open of a new file': [(signal) => openAndClose('w', signal, join(mounted, 'new')), 'closed'],
  'open by callback': [
    () =>
      new Promise((resolve) =>
        fs.open(file, (_, fd) => fs.close(fd, (error) => resolve(error === null ? 'closed' : error))),
      ),
    'closed',
  ],
  readFile: [(signal) => fsPromises.readFile(file, { encoding: 'utf8', signal }), 'content'],
  'readFile by callback': [
    () => new Promise((resolve) => fs.readFile(file, 'utf8', (_, content) => resolve(content))),
    'content',
  ],
  readFiles: [
    async () => {
      for await (const { content } of fsPromises.readFiles([file], 'utf8')) return content;
      return undefined;
    },
    'content',
  ],
  createReadStream: [() => text(fs.createReadStream(file)), 'content'],
  writeFile: [(signal) => fsPromises.writeFile(join(mounted, 'written'), 'text', { signal }), undefined],
  readdir: [async () => (await fsPromises.readdir(mounted)).includes('file'), true],
  rename: [() => fsPromises.rename(join(mounted, 'old'), join(mounted, 'old')), undefined],
  mkdir: [() => fsPromises.mkdir(join(mounted, 'sub'), { recursive: true }).then(() => 'made'), 'made'],
  getxattr: [() => fsPromises.getxattr(file, 'user.none').catch(() => 'none'), 'none'],
};

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code;

async function openAndClose(flags: string, signal?: AbortSignal, path = file): Promise<string> {
  const handle = await fsPromises.open(path, flags, 0o666, { signal: signal as AbortSignal });
  await handle.close();
  return 'closed';
}

function endProcess(pid: number): void {
  try {
    process.kill(pid);
  } catch {
    // It has ended by itself.
  }
}

/** Timers, and operations on other files, for a while: the longest time in which nothing came through. */
async function lookAround(ms: number): Promise<number> {
  const end = performance.now() + ms;
  let [longest, last] = [0, performance.now()];
  while (last < end) {
    await wait(5);
    await fsPromises.readFile(elsewhere);
    await fsPromises.stat(elsewhere);
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
  }
  return longest;
}

for (const [what, cacheSeconds] of [
  ['cold', 0],
  ['warm', 1000],
] as const) {
  t.test(`a stopped file system, names and attributes ${what} in the kernel's cache`, async (t) => {
    if (backend.name !== 'io_uring') return void t.pass('', { skip: 'this is the node backend' });
    nodeFs.writeFileSync(join(source, 'file'), 'content');
    nodeFs.writeFileSync(join(source, 'old'), '');
    const daemon = await mount(cacheSeconds);
    if (typeof daemon === 'string') return void t.pass('', { skip: daemon });
    // The janitor works also when this process doesn't come to here.
    t.teardown(() => daemon.end());
    const before = descriptors();

    for (const [name, [call, expected]] of Object.entries(calls)) {
      // In the cache now, or never.
      t.same(await call(), expected, name);
      daemon.stop();
      // If the event loop hangs, this lets it go on, and the test fails, and does not hang.
      const rescue = spawnSync('sh', [
        '-c',
        `(sleep 5; kill -CONT ${daemon.pid}) > /dev/null 2>&1 & echo $!`,
      ]);
      const begin = performance.now();
      const running = call();
      const longest = await lookAround(blockedMs);
      t.ok(longest < 3000, `${name}: the longest wait was ${longest.toFixed(0)} ms`);
      daemon.go();
      t.same(await running, expected, `${name}: completes`);
      t.ok(performance.now() - begin < 4500, `${name}: not by the rescuer`);
      endProcess(Number(rescue.stdout));
    }
    t.equal(await settledDescriptors(before), before);

    for (const name of ['open', 'open for writing', 'open of a new file', 'readFile', 'writeFile']) {
      const [call] = calls[name]!;
      const controller = new AbortController();
      const { signal } = controller;
      daemon.stop();
      const running = call(signal).then(
        () => 'done',
        (error: Error) => error.name,
      );
      await wait(20);
      controller.abort();
      const outcome = await Promise.race([running, wait(2000, 'still waiting')]);
      t.equal(outcome, 'AbortError', `${name}: an abort rejects at once`);
      t.equal(listeners(signal), 0);
      daemon.go();
      for (let round = 0; round < 500 && stats().inFlight > 0; round++) await wait(10);
      t.equal(await settledDescriptors(before), before, `${name}: what comes late is closed`);
    }
  });
}
