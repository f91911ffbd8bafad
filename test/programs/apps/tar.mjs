// tar packs a tree and unpacks it. `tar.mjs SOURCE TARGET`
import { createReadStream, createWriteStream, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import * as tar from 'tar';
import { fact, failure } from './facts.mjs';

const [cwd, target] = process.argv.slice(2);
for (const name of ['plain', 'zipped', 'streamed', 'unpacked', 'from a stream']) {
  mkdirSync(join(target, name), { recursive: true });
}
const options = { cwd, portable: true };
const plain = join(target, 'plain/a.tar');
const zipped = join(target, 'zipped/a.tgz');
await tar.create({ ...options, file: plain }, ['.']);
await tar.create({ ...options, file: zipped, gzip: { level: 1 } }, ['.']);
const streamed = join(target, 'streamed/a.tar');
await pipeline(tar.create(options, ['core', 'net']), createWriteStream(streamed));
await tar.update({ ...options, file: streamed }, ['fs']);
const names = [];
await tar.list({ file: streamed, onReadEntry: ({ path }) => names.push(path) });
fact('listed', names.length);
await tar.extract({ file: zipped, cwd: join(target, 'unpacked') });
await pipeline(createReadStream(plain), tar.extract({ cwd: join(target, 'from a stream'), strip: 1 }));
fact('missing', (await failure(tar.extract({ file: join(target, 'none'), cwd: target }))).code);
