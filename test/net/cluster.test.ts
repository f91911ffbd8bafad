// Workers of a cluster: as with node:net, on the ring.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { scaled } from '../slowness.js';
import { run } from './support.js';

const directory = mkdtempSync(join(tmpdir(), 'ringcore-'));
t.teardown(() => rmSync(directory, { recursive: true, force: true }));
const primary = new URL('cluster_primary.js', import.meta.url).href;

/** What a primary has logged, by who it is about: two workers have no order between them. */
function bySubject(stdout: string): Record<string, unknown[]> {
  const subjects: Record<string, unknown[]> = {};
  for (const line of stdout.trim().split('\n')) {
    const [subject, ...rest] = JSON.parse(line) as [string, ...unknown[]];
    (subjects[subject] ??= []).push(rest);
  }
  return subjects;
}

t.jobs = 2;

const both = ['rr', 'none'];
const scenarios: [name: string, policies: string[], paths: boolean][] = [
  ['share', both, true],
  ['disconnect', both, false],
  ['worker disconnects itself', both, false],
  ['kill', both, false],
  ['close', both, false],
  ['full', ['rr'], false],
  ['exclusive', both, false],
  ['in use', both, true],
];

for (const [SCENARIO, policies, paths] of scenarios) {
  for (const POLICY of policies) {
    for (const where of paths ? ['TCP', 'Unix'] : ['TCP']) {
      void t.test(
        `${SCENARIO}: ${POLICY}, ${where}`,
        { buffered: true, timeout: scaled(60_000) },
        async (t) => {
          const results = [];
          for (const NET of ['node:net', 'ringcore/net']) {
            const env: Record<string, string> = { SCENARIO, POLICY, NET };
            if (where === 'Unix') env.SOCKET_PATH = join(directory, `${SCENARIO}-${POLICY}.sock`);
            results.push(await run(`import ${JSON.stringify(primary)}`, env, 30_000));
          }
          const [expected, actual] = results;
          t.equal(expected!.code, 0, expected!.stderr);
          t.equal(actual!.code, 0, actual!.stderr);
          t.strictSame(bySubject(actual!.stdout), bySubject(expected!.stdout));
          if (SCENARIO !== 'share') return;
          const family = where === 'TCP' ? 'IPv4' : 'undefined';
          t.equal(actual!.stderr, `classes: Connection ${family}\n`, 'the ring serves them');
          t.match(expected!.stderr, /classes: (TCP|Pipe) /);
          t.same(bySubject(actual!.stdout).workers, [[['1', '2']]], 'both have worked');
          t.ok('no descriptor is left' in bySubject(actual!.stdout), 'and keep no descriptor');
        },
      );
    }
  }
}
