// fs-extra on a tree of files. `fs_extra.mjs SOURCE TARGET`
import { join } from 'node:path';
import extra from 'fs-extra';
import { fact, failure } from './facts.mjs';

const [source, target] = process.argv.slice(2);
const { message, ...missing } = await failure(extra.copy(join(source, 'not there'), target));
fact('missing', { ...missing, message: message.replace(source, 'SOURCE') });

await extra.copy(source, target, { preserveTimestamps: true });
await extra.copy(source, join(target, 'again'), { filter: (path) => !path.endsWith('.md') });
await extra.outputFile(join(target, 'new/deep/file'), 'text');
await extra.outputJson(join(target, 'new/value.json'), { a: [1, 2] }, { spaces: 2 });
fact('json', await extra.readJson(join(target, 'new/value.json')));
await extra.ensureSymlink(join(target, 'new'), join(target, 'links/to-new'));
await extra.ensureLink(join(target, 'new/value.json'), join(target, 'links/hard'));
await extra.move(join(target, 'again'), join(target, 'moved'));
await extra.emptyDir(join(target, 'moved/core'));
await extra.remove(join(target, 'moved/fs'));
fact('there', [
  await extra.pathExists(join(target, 'moved/net')),
  !(await extra.pathExists(join(target, 'again'))),
]);
await new Promise((resolve, reject) => {
  extra.copy(join(source, 'net'), join(target, 'by callback'), (error) =>
    error ? reject(error) : resolve(),
  );
});
