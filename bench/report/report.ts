/** docs/performance.md and its plots, from one run. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { SavedCase, SavedRun } from '../harness/saved.js';
import { curvePlot, latencyPlot, ratioPlot } from './plots.js';
import { general, remarks } from './remarks.js';
import { costTable, driverOf, machineTable, majorsOf, ratioText, resultTable, ringcoreOf } from './tables.js';

// From build/bench/report, where this file is compiled to.
const docs = fileURLToPath(new URL('../../../docs', import.meta.url));
const plots = 'performance';
/** Below this, node wins; up to there it's noise. */
const noise = 0.95;

const curves: Record<string, { label: string; what: string }> = {
  size: { label: 'bytes', what: 'readFile of one file, by its size' },
  depth: { label: 'at once', what: 'readFile of 4 KiB files, by how many are read at once' },
  connections: { label: 'connections', what: 'echo of 64 B, by connections' },
};

const latencyCases = /^(?:echo-64b-(?:1|64|512)|http-hello-64|accept)$/;

/** A hand-written remark is for the cases whose name starts with its key. */
function remarkFor(name: string): string | undefined {
  return Object.entries(remarks).find(([start]) => name.startsWith(start))?.[1];
}

/** Lines of a list of the cases for which `pick` has something to say of a version of node. */
function list(
  run: SavedRun,
  cases: SavedCase[],
  pick: (what: SavedCase, major: string) => string | undefined,
): string {
  const lines = cases.flatMap((what) => {
    const told = majorsOf(run).flatMap((major) => pick(what, major) ?? []);
    if (told.length === 0) return [];
    return [`- **${what.name}**: ${told.join(', ')}. ${remarkFor(what.name) ?? 'Not explained yet.'}`];
  });
  return lines.length > 0 ? lines.join('\n') : 'None.';
}

function loses(what: SavedCase, major: string): string | undefined {
  const ours = ringcoreOf(what, major);
  const { ratio, target, met } = ours?.comparison ?? {};
  // Where a difference or a value is the target, and kept, it matters little who has less.
  if (ratio === undefined || ratio >= noise || (met && !target?.endsWith('x'))) return undefined;
  return `${ratioText(ours)} of node ${major}`;
}

function misses(what: SavedCase, major: string): string | undefined {
  const ours = ringcoreOf(what, major);
  const { met, target } = ours?.comparison ?? {};
  if (ours === undefined || met !== false) return undefined;
  const reached = target?.endsWith('x') ? ratioText(ours) : `${ours.value.toFixed(1)} ${what.unit}`;
  const node = target?.endsWith('x')
    ? ''
    : `; node has ${driverOf(what, `node ${major}`)?.value.toFixed(1) ?? '?'}`;
  return `${reached} of ${target} [${major}]${node}`;
}

function text(run: SavedRun, standard: SavedCase[], curveNames: string[]): string {
  const all = standard.flatMap((what) => majorsOf(run).flatMap((major) => ringcoreOf(what, major) ?? []));
  const targets = all.filter(({ comparison }) => comparison?.met !== undefined);
  const reached = targets.filter(({ comparison }) => comparison?.met);
  const image = (name: string, what: string) => `![${what}](${plots}/${name}.svg)`;
  return `<!-- Written by \`npm run bench -- --report\`; the explanations stand in bench/report/remarks.ts. -->

# Performance

ringcore against the \`node:fs\` and \`node:net\` of the node that it runs in, and against programs in C++ that do nothing but
the system calls. [bench/README.md](../bench/README.md) tells what is measured, and how. A ratio is how many times as good
as the same node's own implementation, in the same run: above 1 ringcore is better, whatever the unit. Absolute figures are
those of one machine; look at ratios.

${reached.length} of ${targets.length} targets are reached here, those beside node 20 and 26 counted apiece. They are what the project wants to get to,
set with figures of a prototype on another machine before it began; the floor is to be no slower than node, and what is missed is
[explained](#targets-that-are-missed). \`12x\`: the ratio. \`+3 at most\`: so many percentage points above node's.
\`< 16 MiB\`, \`< 1 ms\`: ringcore's own value.

## The machine

${machineTable(run)}

${general}

## Results

${resultTable(run, standard)}

${image('ratios', 'ratios to node; the strokes are the targets')}

## What an operation costs

Processor time and system calls of the process under test, and latencies as the client sees them, where there is one: node's
/ ringcore's. Where something else had the processor for more than a few per cent of the time (disturbed), the ratio says little.

${costTable(run, standard)}

${image('latency', 'latencies by percentile')}

## Where node wins

By more than ${Math.round((1 - noise) * 100)} %, which is noise:

${list(run, standard, loses)}

## Targets that are missed

${list(run, standard, misses)}

## As the work grows

${curveNames.map((curve) => `${curves[curve]?.what}:\n\n${image(`scaling-${curve}`, curves[curve]?.what ?? curve)}`).join('\n\n')}

## Cases

${standard.map(({ name, what }) => `- **${name}**: ${what}`).join('\n')}${notMeasured(run)}
`;
}

/** Cases that nothing could run, with the reason of the first driver. */
function notMeasured(run: SavedRun): string {
  const lacking = run.cases.filter(({ drivers }) => drivers.length === 0);
  const lines = lacking.map(
    ({ name, unavailable }) => `- **${name}**: not measured: ${unavailable[0]?.reason}`,
  );
  return lines.map((line) => `\n${line}`).join('');
}

export function writeReport(run: SavedRun, directory = docs): void {
  const standard = run.cases.filter(({ scaling, drivers }) => scaling === undefined && drivers.length > 0);
  mkdirSync(join(directory, plots), { recursive: true });
  const save = (name: string, svg: string) => writeFileSync(join(directory, plots, `${name}.svg`), svg);
  save('ratios', ratioPlot(run, standard));
  save('latency', latencyPlot(standard.filter(({ name }) => latencyCases.test(name))));
  const curveNames = Object.keys(curves).filter((curve) =>
    run.cases.some(({ scaling }) => scaling?.curve === curve),
  );
  for (const curve of curveNames) {
    const points = run.cases.filter(({ scaling }) => scaling?.curve === curve);
    save(`scaling-${curve}`, curvePlot(points, curves[curve]?.label ?? curve));
  }
  writeFileSync(join(directory, 'performance.md'), text(run, standard, curveNames));
}
