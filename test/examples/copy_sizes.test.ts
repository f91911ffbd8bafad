// cat, raw_ring and linked_cat: what comes out is what went in, whatever the size.
import { createHash } from 'node:crypto';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { block, bytesOf, names } from './copied_bytes.js';
import { noRing, runExample, shell } from './run_example.js';

/** linked_cat: so many pairs are one chain. */
const pairs = 8;
const sizes = [
  0,
  1,
  block - 1,
  block,
  block + 1,
  2 * block,
  pairs * block - 1,
  pairs * block,
  pairs * block + 1,
  5_000_001,
];

const sha256 = (data: Buffer): string => createHash('sha256').update(data).digest('hex');

for (const name of names) {
  t.test(`${name} to a pipe, every size`, { skip: noRing }, async (t) => {
    const directory = t.testdir({});
    const input = join(directory, 'input');
    for (const size of sizes) {
      writeFileSync(input, bytesOf(size));
      const { code, stdout, stderr } = await runExample([name, input], { through: shell('"$@" | cat') });
      t.equal(sha256(stdout), sha256(bytesOf(size)), `${size} bytes`);
      t.equal(stdout.length, size);
      t.equal(code, 0);
      if (name !== 'raw_ring') t.equal(stderr, '');
    }
  });

  t.test(`${name} to a file, and to its end with >>`, { skip: noRing }, async (t) => {
    for (const size of [0, block + 1, 1_000_001]) {
      const directory = t.testdir({ output: 'what was there before\n' });
      const [input, output] = [join(directory, 'input'), join(directory, 'output')];
      writeFileSync(input, bytesOf(size));
      const appending = openSync(output, 'a');
      const appended = await runExample([name, input], { output: appending });
      closeSync(appending);
      t.equal(appended.code, 0);
      const expected = Buffer.concat([Buffer.from('what was there before\n'), bytesOf(size)]);
      t.ok(readFileSync(output).equals(expected), `${size} bytes appended`);

      const truncating = openSync(output, 'w');
      const written = await runExample([name, input], { output: truncating });
      closeSync(truncating);
      t.equal(written.code, 0);
      t.ok(readFileSync(output).equals(bytesOf(size)), `${size} bytes`);
    }
  });
}
