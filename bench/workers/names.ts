/** mkdir, rename and removal of names, `depth` at once: each operation leaves its directory as it was. */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadFsPromises } from './implementation.js';
import { measure, verify } from './measure.js';
import { spec } from './protocol.js';

const { link, mkdir, rename, rmdir, unlink } = await loadFsPromises();
const directory = join(spec.outputDirectory ?? '', 'names');
mkdirSync(directory, { recursive: true });
const file = join(directory, 'file');
writeFileSync(file, '');

await measure(
  async (index) => {
    const [made, moved] = [join(directory, `made-${index}`), join(directory, `moved-${index}`)];
    const name = join(moved, 'name');
    await mkdir(made);
    await rename(made, moved);
    await link(file, name);
    await unlink(name);
    await rmdir(moved);
  },
  {
    details: () => {
      verify(readdirSync(directory).join() === 'file', 'names are left');
      return {};
    },
  },
);
