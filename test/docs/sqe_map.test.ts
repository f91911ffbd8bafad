// docs/sqe_map.md against native/op: each operation, its opcode, and each field of the SQE that its shape fills.
import { readFileSync } from 'node:fs';
import t from 'tap';
import { globSync } from 'tinyglobby';
import { root } from './documents.js';

const read = (path: string): string => readFileSync(`${root}/${path}`, 'utf8');

interface Shape {
  name: string;
  opcode: string;
  fields: string[];
}

/** The shapes of a header, a derived one with the fields of its base. */
function shapesOf(source: string): Shape[] {
  const fields = new Map<string, string[]>();
  const shapes: Shape[] = [];
  for (const [, struct = '', base, body = ''] of source.matchAll(
    /^struct (\w+)(?: : (\w+))? \{\n([\s\S]*?)^\};/gm,
  )) {
    const own = [...body.matchAll(/sqe\.(\w+)\s*\|?=/g)].map(([, field]) => field!);
    const all =
      own.length > 0 ? own : (fields.get(/(\w+)\{.*\}\.fill\(sqe\)/.exec(body)?.[1] ?? base!) ?? []);
    fields.set(struct, all);
    // A template of two has two names.
    const kName = /kName =([\s\S]*?);/.exec(body)?.[1] ?? '';
    for (const [, name = ''] of kName.replace(/[^;]*\?/, '').matchAll(/"(\w+)"/g)) {
      const opcode = /kOpcode = abi::IORING_OP_(\w+);/.exec(body)?.[1] ?? '';
      shapes.push({ name, opcode, fields: all });
    }
  }
  return shapes;
}

const shapes = globSync('native/op/*_ops.h', { cwd: root }).flatMap((path) => shapesOf(read(path)));

/** The rows of the page by operation; where a row says "as other", its fields are the other's too. */
const rows = new Map<string, string[]>();
for (const line of read('docs/sqe_map.md').split('\n')) {
  const name = /^\| `(\w+)` \|/.exec(line)?.[1];
  if (name !== undefined)
    rows.set(
      name,
      line.split('|').map((cell) => cell.trim()),
    );
}

function fieldsOf(name: string): string[] {
  const cell = rows.get(name)?.[4] ?? '';
  const like = /^as (\w+)/.exec(cell)?.[1];
  const named = [...cell.matchAll(/`([a-z]\w+)`/g)].map(([, field]) => field!);
  return like === undefined ? named : [...fieldsOf(like), ...named];
}

t.test('every operation is on the page, and nothing else', async (t) => {
  t.ok(shapes.length > 55, `${shapes.length} shapes`);
  t.same([...rows.keys()].sort(), [...shapes.map(({ name }) => name), 'readFile'].sort());
});

t.test('with its opcode, the kernel that brought it, and what it leaves to say', async (t) => {
  const versions = new Map(
    [...read('native/abi/opcode_abi.h').matchAll(/IORING_OP_(\w+) = \d+, +\/\/ (\d+\.\d+)/g)].map(
      ([, opcode, version]) => [
        opcode!,
        Number(version!.split('.')[0]) * 100 + Number(version!.split('.')[1]),
      ],
    ),
  );
  for (const { name, opcode } of shapes) {
    const [, , pageOpcode, since = '', , alive, result] = rows.get(name)!;
    t.equal(pageOpcode, opcode, name);
    const [major, minor] = since.split('.').map(Number) as [number, number];
    // A flag of an operation may be younger than the operation.
    t.ok(major * 100 + minor >= versions.get(opcode)!, `${name} since ${since}`);
    t.ok(alive && result, `${name}: what stays alive, and the result`);
  }
});

t.test('with each field that its shape fills, and no other', async (t) => {
  for (const { name, fields } of shapes) {
    const onPage = new Set(fieldsOf(name));
    t.same([...onPage].sort(), [...new Set(fields)].sort(), name);
  }
});
