// docs/compatibility.md has a row for each export, and says truly who does the work.
import nodeFs from 'node:fs';
import nodePromises from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import fs from 'ringcore/fs';
import fsPromises from 'ringcore/fs/promises';
import t from 'tap';

interface Row {
  who: string;
  remarks: string;
}

const text = nodeFs.readFileSync(
  fileURLToPath(new URL('../../../docs/compatibility.md', import.meta.url)),
  'utf8',
);

/** The rows of the table behind a heading. */
function rowsOf(heading: string): Map<string, Row> {
  const section = text.split(`\n## ${heading}\n`)[1]?.split(/\n##+ /)[0] ?? '';
  const rows = [...section.matchAll(/^\| `(\w+)` *\| (.*?) *\| (.*?) *\|$/gm)];
  return new Map(rows.map(([, name, who, remarks]) => [name!, { who: who!, remarks: remarks! }]));
}

/** Whether the running node should have it: `since node 24`, `node until 23`. */
function isThere({ remarks }: Row): boolean {
  const major = Number.parseInt(process.versions.node, 10);
  const since = /since node (\d+)/.exec(remarks)?.[1];
  const until = /node until (\d+)/.exec(remarks)?.[1];
  return major >= Number(since ?? 0) && major <= Number(until ?? Infinity);
}

for (const [heading, own, nodes] of [
  ['ringcore/fs', fs, nodeFs],
  ['ringcore/fs/promises', fsPromises, nodePromises],
] as [string, Record<string, unknown>, Record<string, unknown>][]) {
  t.test(heading, async (t) => {
    const rows = rowsOf(heading);
    const expected = [...rows].filter(([, row]) => isThere(row)).map(([name]) => name);
    t.same(expected.sort(), Object.keys(nodes).sort(), 'a row for each export');
    for (const name of expected) {
      const { who } = rows.get(name)!;
      t.match(who, /^(ring|node's own|node's own, wrapped)$/, name);
      t.equal(own[name] === nodes[name], who === "node's own", `${name} is ${who}`);
    }
  });
}
