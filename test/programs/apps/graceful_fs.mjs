// graceful-fs with more files at once than may be open. `graceful_fs.mjs TARGET`
import { join } from 'node:path';
import { promisify } from 'node:util';
import fs from 'node:fs';
import graceful from 'graceful-fs';
import { fact } from './facts.mjs';

const [target] = process.argv.slice(2);
graceful.gracefulify(fs);
const [writeFile, readFile, copyFile] = [fs.writeFile, fs.readFile, fs.copyFile].map(promisify);
const paths = Array.from({ length: 400 }, (_, i) => join(target, `f${i}`));
await Promise.all(
  paths.map(async (path, i) => {
    await writeFile(path, `content ${i}`);
    await copyFile(path, `${path} copy`);
  }),
);
const texts = await Promise.all(paths.map((path) => readFile(`${path} copy`, 'utf8')));
fact(
  'read',
  texts.every((text, i) => text === `content ${i}`),
);
const streams = await Promise.all(
  paths.map(async (path) => (await fs.createReadStream(path, 'utf8').toArray()).join('')),
);
fact(
  'streamed',
  streams.every((text, i) => text === `content ${i}`),
);
