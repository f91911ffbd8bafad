/** What must be known of a machine to read its figures. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os';

/** Processors that this process may use: '0-1,4' gives [0, 1, 4]. */
export function allowedCpus(): number[] {
  let list: string | undefined;
  try {
    list = /^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  } catch {
    return [];
  }
  return (list ?? '').split(',').flatMap((range) => {
    const [first = NaN, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 || 0 }, (_, i) => first + i);
  });
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return undefined;
  }
}

/** The type of the file system that a path is on. */
function fileSystem(path: string): string | undefined {
  const { status, stdout } = spawnSync('stat', ['-f', '-c', '%T', path], { encoding: 'utf8' });
  return status === 0 ? stdout.trim() : undefined;
}

export function machineFacts(dataDirectory: string): Record<string, unknown> {
  return {
    date: new Date().toISOString().slice(0, 10),
    kernel: release(),
    cpu: cpus()[0]?.model,
    cpus: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    files: fileSystem(dataDirectory),
    hugePages: /\[(\w+)\]/.exec(read('/sys/kernel/mm/transparent_hugepage/enabled') ?? '')?.[1],
    loadAverage: loadavg()[0],
    congestionControl: read('/proc/sys/net/ipv4/tcp_congestion_control'),
  };
}
