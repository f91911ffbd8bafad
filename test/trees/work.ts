// Run as a program of its own: `work.js node|ringcore JOB SOURCE TARGET`. Packages that ask for 'fs' get node's or
// ringcore's; what they did with it is compared afterwards. Prints how many operations went through the ring.
import Module, { createRequire } from 'node:module';
import { join } from 'node:path';
import { stats, backend } from 'ringcore/core';
import type nodeFs from 'node:fs';

const require = createRequire(import.meta.url);
const [which, job, source, target] = process.argv.slice(2) as [string, string, string, string];
const prefix = which === 'ringcore' ? 'ringcore/' : 'node:';
const ours = {
  fs: require(`${prefix}fs`) as unknown,
  'fs/promises': require(`${prefix}fs/promises`) as unknown,
};

// What node calls for each require().
type Load = (request: string, ...rest: unknown[]) => unknown;
const hooked = Module as unknown as { _load: Load };
const load = hooked._load;
hooked._load = function (this: unknown, request, ...rest) {
  return ours[request.replace(/^node:/, '') as keyof typeof ours] ?? load.call(this, request, ...rest);
};

type FsExtra = typeof nodeFs.promises & {
  copy(from: string, to: string, options?: object): Promise<void>;
  move(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  emptyDir(path: string): Promise<void>;
  outputFile(path: string, data: string): Promise<void>;
  ensureSymlink(target: string, path: string): Promise<void>;
  outputJson(path: string, value: unknown): Promise<void>;
  readJson(path: string): Promise<unknown>;
};
type Tar = {
  create(options: object, entries: string[]): Promise<void>;
  extract(options: object): Promise<void>;
};

const jobs: Record<string, () => Promise<unknown>> = {
  async 'fs-extra copy'() {
    const extra = require('fs-extra') as FsExtra;
    await extra.copy(source, target, { preserveTimestamps: true });
  },
  async 'fs-extra changes'() {
    const extra = require('fs-extra') as FsExtra;
    await extra.copy(source, target, { filter: (path: string) => !path.endsWith('.ts') });
    await extra.copy(source, target);
    await extra.outputFile(join(target, 'new/deep/file'), 'text');
    await extra.outputJson(join(target, 'new/value.json'), { a: [1, 2] });
    await extra.ensureSymlink(join(target, 'new'), join(target, 'links/to-new'));
    await extra.move(join(target, 'new'), join(target, 'moved'));
    if (JSON.stringify(await extra.readJson(join(target, 'moved/value.json'))) !== '{"a":[1,2]}') {
      throw new Error('not what was written');
    }
    const [first, second, third] = (await extra.readdir(target)).sort();
    await extra.remove(join(target, first!));
    await extra.emptyDir(join(target, second!));
    await extra.move(join(target, third!), join(target, 'another'));
  },
  async 'fs-extra remove'() {
    const extra = require('fs-extra') as FsExtra;
    await extra.remove(target);
  },
  async 'tar pack'() {
    const tar = require('tar') as Tar;
    await tar.create({ file: target, cwd: source, portable: true }, ['.']);
  },
  async 'tar pack zipped'() {
    const tar = require('tar') as Tar;
    await tar.create({ file: target, cwd: source, portable: true, gzip: { level: 1 } }, ['.']);
  },
  async 'tar extract'() {
    const tar = require('tar') as Tar;
    (ours.fs as typeof nodeFs).mkdirSync(target);
    await tar.extract({ file: source, cwd: target });
  },
  async cp() {
    await (ours['fs/promises'] as typeof nodeFs.promises).cp(source, target, { recursive: true });
  },
  async rm() {
    await (ours['fs/promises'] as typeof nodeFs.promises).rm(target, { recursive: true });
  },
  /** More files at once than may be open. */
  async 'graceful-fs'() {
    const { gracefulify } = require('graceful-fs') as { gracefulify: (fs: object) => typeof nodeFs };
    const fs = gracefulify(ours.fs as object);
    fs.mkdirSync(target);
    const waiting: Promise<void>[] = [];
    const done = (resolve: () => void, reject: (error: Error) => void) => (error: Error | null) =>
      error ? reject(error) : resolve();
    for (let index = 0; index < 400; index++) {
      const path = join(target, `f${index}`);
      waiting.push(
        new Promise<void>((...ends) => fs.writeFile(path, `content ${index}`, done(...ends))).then(
          () => new Promise<void>((...ends) => fs.copyFile(path, `${path} copy`, done(...ends))),
        ),
      );
    }
    await Promise.all(waiting);
    const held = await Promise.all(
      Array.from({ length: 200 }, async (_, index) => {
        const path = join(target, `f${index}`);
        const fd = await new Promise<number>((resolve, reject) => {
          fs.open(path, 'r', (error, opened) => (error ? reject(error) : resolve(opened)));
        });
        await new Promise((resolve) => setTimeout(resolve, 5));
        await new Promise<void>((...ends) => fs.close(fd, done(...ends)));
        return new Promise<string>((resolve, reject) => {
          let text = '';
          const stream = fs.createReadStream(path, 'utf8');
          stream.on('data', (chunk) => (text += String(chunk)));
          stream.on('error', reject).on('close', () => resolve(text));
        });
      }),
    );
    if (!held.every((text, index) => text === `content ${index}`)) throw new Error('not what was written');
  },
};

await jobs[job]!();
const operations = backend.name === 'io_uring' ? Object.values(stats().operations) : [];
console.log(operations.reduce((sum, count) => sum + count, 0));
