/**
 * The doctor's report as text.
 *
 * @module
 */
import type { Limit } from './environment.js';
import type { Problem, Report } from './doctor.js';

const units = ['bytes', 'KiB', 'MiB', 'GiB'];

function bytes(count: number | null): string {
  if (count === null) return 'unlimited';
  const unit = Math.min(Math.floor(Math.log2(Math.max(count, 1)) / 10), units.length - 1);
  return `${Math.floor(count / 2 ** (10 * unit))} ${units[unit]}`;
}

const softAndHard = ({ soft, hard }: Limit, text: (value: number | null) => string): string =>
  soft === hard ? text(soft) : `${text(soft)} (at most ${text(hard)})`;

function problemText({ severity, code, what, remedy }: Problem): string {
  return `${severity} ${code}: ${what}\n  ${remedy}\n`;
}

function verdict({ usable, works, backend }: Report): string {
  if (usable) return 'io_uring is used here';
  if (backend.name === null) return `an import of ringcore fails here: ${backend.reason}`;
  return `node's own modules are used here${works ? ', although io_uring works' : ''}: ${backend.reason}`;
}

function ringText({ ring }: Report): string {
  if (ring === null) return 'could not be opened';
  const known = Object.values(ring.operations).filter(Boolean).length;
  return `opened: ${ring.sqEntries} and ${ring.cqEntries} entries, ${known} operations`;
}

function facts(report: Report): [name: string, fact: string][] {
  const { ringcore, runtime, kernel, limits, seccomp, sysctl, container, user } = report;
  const number = (value: number | null): string => (value === null ? 'unlimited' : String(value));
  const filters = seccomp.filters ? `, ${seccomp.filters} of them` : '';
  return [
    ['kernel', `${kernel.release}, ${kernel.supported ? 'new enough' : `older than ${kernel.minimum}`}`],
    ['runtime', `${runtime.name} ${runtime.version} on ${runtime.platform}-${runtime.arch}`],
    ['addon', ringcore.addon === null ? 'none loaded' : `${ringcore.addon} (${ringcore.addonOrigin})`],
    ['ring', ringText(report)],
    [
      'memlock',
      softAndHard(limits.memlock, bytes) +
        (user?.mayLockMemory
          ? ', which does not bind this user (CAP_IPC_LOCK)'
          : ', for all processes of this user'),
    ],
    ['nofile', softAndHard(limits.nofile, number)],
    ['seccomp', `${seccomp.mode}${filters}`],
    [
      'sysctl',
      `kernel.io_uring_disabled ${sysctl.ioUringDisabled ?? 'not there'}, ` +
        `kernel.io_uring_group ${sysctl.ioUringGroup ?? 'not there'}`,
    ],
    [
      'container',
      `${container.kind ?? 'none seen'}, control group ${container.cgroup ?? 'unknown'}, memory ` +
        bytes(container.memoryMaxBytes),
    ],
    ['user', user === null ? 'unknown' : `${user.uid}, group ${user.gid}`],
  ];
}

/** The report for people. */
export function describe(report: Report): string {
  let text = `ringcore ${report.ringcore.version}: ${verdict(report)}\n\n`;
  for (const [name, fact] of facts(report)) text += `  ${name.padEnd(10)} ${fact}\n`;
  const missing = (report.ring?.kernelFeatures ?? []).filter(({ present }) => !present);
  if (missing.length > 0) {
    text += '\nThis kernel lacks:\n';
    for (const { since, what, without } of missing) text += `  ${what} (Linux ${since}): ${without}\n`;
  }
  if (report.problems.length > 0) text += `\n${report.problems.map(problemText).join('\n')}`;
  return text;
}
