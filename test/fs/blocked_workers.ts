// Keeps all kernel workers for files busy, so that what comes behind waits in the kernel for as long as a test likes.
import { spawn } from 'node:child_process';
import nodeFs from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { open } from 'ringcore/fs/promises';

/** Opens for writing wait until the holder of a lease lets go, or for 45 seconds. */
const holder = `
import fcntl, os, signal, sys
signal.signal(signal.SIGIO, signal.SIG_IGN)
fd = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_WRLCK)
print('held', flush=True)
sys.stdin.read()`;

/** How many there are: the ring's default. */
const workers = 32;

function waitingForLease(): number {
  const tasks = '/proc/self/task';
  return nodeFs.readdirSync(tasks).filter((task) => {
    try {
      return nodeFs.readFileSync(`${tasks}/${task}/wchan`, 'latin1') === '__break_lease';
    } catch {
      return false;
    }
  }).length;
}

/** Returns what lets them go on; undefined where it cannot be arranged (no python3, no leases, no wchan). */
export async function blockWorkers(leased: string): Promise<(() => Promise<void>) | undefined> {
  const child = spawn('python3', ['-c', holder, leased], { stdio: ['pipe', 'pipe', 'inherit'] });
  const closed = new Promise((resolve) => child.on('close', resolve));
  const held = await new Promise((resolve) => {
    child.on('error', () => resolve(false)).on('exit', () => resolve(false));
    child.stdout.once('data', () => resolve(true));
  });
  if (held !== true) return undefined;
  const controller = new AbortController();
  const { signal } = controller;
  const opens = Array.from({ length: workers }, () => open(leased, 'r+', 0o666, { signal }).catch(() => {}));
  const release = async (): Promise<void> => {
    controller.abort();
    await Promise.all(opens);
    child.stdin.end();
    child.stdout.resume();
    await closed;
  };
  for (let round = 0; round < 500; round++) {
    if (waitingForLease() === workers) return release;
    await wait(10);
  }
  await release();
  return undefined;
}
