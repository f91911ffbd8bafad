// writeFile on tmpfs is over at once: the same files and errors as node's, and what could wait is left to the ring.
import { execFileSync, spawnSync } from 'node:child_process';
import nodeFs from 'node:fs';
import nodePromises from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ring } from 'ringcore/core';
import fs from 'ringcore/fs';
import { writeFile } from 'ringcore/fs/promises';
import t from 'tap';
import { answeredAtOnce, newTurn, useUpTurn } from './at_once.js';
import { descriptors, outcome, settledDescriptors } from './helpers.js';

const TMPFS_MAGIC = 0x01021994;
const isTmpfs = nodeFs.existsSync('/dev/shm') && nodeFs.statfsSync('/dev/shm').type === TMPFS_MAGIC;
if (!isTmpfs) t.plan(0, 'SKIP: /dev/shm is no tmpfs');

const dir = isTmpfs ? nodeFs.mkdtempSync('/dev/shm/ringcore-test-') : '';
t.teardown(() => nodeFs.rmSync(dir, { recursive: true, force: true }));
const at = (name: string): string => join(dir, name);

if (isTmpfs) {
  t.test('the same as node, at once and through the ring', async (t) => {
    const umask = process.umask(0o027);
    t.teardown(() => void process.umask(umask));
    const makeAnew = (): void => {
      nodeFs.rmSync(dir, { recursive: true });
      nodeFs.mkdirSync(at('sub'), { recursive: true });
      nodeFs.writeFileSync(at('plain'), 'here before');
      nodeFs.writeFileSync(at('big'), '');
      nodeFs.truncateSync(at('big'), 2 ** 21);
      nodeFs.symlinkSync('target', at('link'));
      nodeFs.symlinkSync('loop', at('loop'));
    };
    const names = 'fresh,plain,big,link,loop,sub,sub/,sub/.,sub/file,absent/file,plain/file,.,..,größe'.split(
      ',',
    );
    const files = [
      ...names.map(at),
      at('n'.repeat(256)),
      '',
      Buffer.from([...Buffer.from(at('')), 0x2f, 0xff]),
    ];
    const contents = ['text', Buffer.alloc(65_536, 'x'), new Uint16Array([1, 2])];
    const options = [undefined, { mode: 0o604 }, { flag: 'wx' }, { flag: 'a' }, { mode: 0o7777 }];
    const seen = (path: string | Buffer): unknown => {
      try {
        const { mode, size } = nodeFs.statSync(path);
        return [mode, size, size < 100_000 && nodeFs.readFileSync(path, 'latin1').slice(-10)];
      } catch (error) {
        return (error as NodeJS.ErrnoException).code;
      }
    };
    for (const before of [newTurn, async () => useUpTurn()]) {
      for (const path of files) {
        for (const content of contents) {
          for (const option of options) {
            const found = [];
            for (const write of [writeFile, nodePromises.writeFile] as (typeof writeFile)[]) {
              makeAnew();
              await before();
              const told = await outcome(() => write(path, content, option as object));
              found.push([told, seen(path)]);
            }
            t.same(
              found[0],
              found[1],
              `${String(path).slice(-10)} ${content.length} ${JSON.stringify(option)}`,
            );
          }
        }
      }
    }
  });

  t.test('it is over when the call returns, and the outcome comes later', async (t) => {
    await writeFile(at('now'), 'old');
    const before = ring().stats().operations.openat ?? 0;
    const found = await answeredAtOnce(async () => {
      const writing = writeFile(at('now'), 'new');
      t.equal(nodeFs.readFileSync(at('now'), 'utf8'), 'new');
      await writing;
      let returned = false;
      await new Promise<void>((resolve) => {
        fs.writeFile(at('now'), 'newer', (error) => {
          t.ok(returned);
          t.equal(error, null);
          resolve();
        });
        returned = true;
      });
    });
    t.equal(found, 2);
    t.equal(ring().stats().operations.openat ?? 0, before, 'without the ring');
    const { signal } = new AbortController();
    t.equal(await answeredAtOnce(() => writeFile(at('now'), 'x', { signal })), 1);
    await t.rejects(writeFile(at('now'), 'y', { signal: AbortSignal.abort() }), { name: 'AbortError' });
    t.equal(nodeFs.readFileSync(at('now'), 'utf8'), 'x');
  });

  t.test('what could wait, or do something else, is left to the ring', async (t) => {
    execFileSync('mkfifo', [at('fifo')]);
    const reader = nodeFs.openSync(at('fifo'), nodeFs.constants.O_RDONLY | nodeFs.constants.O_NONBLOCK);
    t.equal(await answeredAtOnce(() => writeFile(at('fifo'), 'through')), 0, 'a FIFO');
    const through = Buffer.alloc(20);
    t.equal(through.toString('utf8', 0, nodeFs.readSync(reader, through)), 'through');
    nodeFs.closeSync(reader);
    nodeFs.writeFileSync(at('big'), Buffer.alloc(2 ** 21));
    nodeFs.symlinkSync('plain', at('another link'));
    const calls: Record<string, () => Promise<void>> = {
      'a device': () => writeFile('/dev/null', 'x'),
      'a large file to be cut off': () => writeFile(at('big'), 'x'),
      'a symbolic link': () => writeFile(at('another link'), 'x'),
      'much data': () => writeFile(at('much'), Buffer.alloc(65_537)),
      'behind what is there': () => writeFile(at('more'), 'x', { flag: 'a' }),
      'to be read too': () => writeFile(at('more'), 'x', { flag: 'w+' }),
      'with a flush': () => writeFile(at('more'), 'x', { flush: true }),
    };
    for (const [name, call] of Object.entries(calls)) t.equal(await answeredAtOnce(call), 0, name);
    const other = join(t.testdir(), 'file');
    if (nodeFs.statfsSync(t.testdir()).type !== TMPFS_MAGIC) {
      t.equal(await answeredAtOnce(() => writeFile(other, 'x')), 0, 'a disk');
    }
  });

  t.test('an endless loop of writes lets the event loop turn', async (t) => {
    let turns = 0;
    const count = (): void => {
      turns++;
      if (turns < 10) setImmediate(count);
    };
    setImmediate(count);
    let written = 0;
    while (turns < 10 && written < 20_000) {
      await writeFile(at('loop of writes'), 'x');
      written++;
    }
    t.ok(written < 20_000, `${written} writes in 10 turns`);
  });

  t.test('an error of the write says so', (t) => {
    // 64 KiB at most may be in a file: 128 blocks of 512 bytes.
    const program = `
      import { writeFile } from 'ringcore/fs/promises';
      import nodeFs from 'node:fs';
      process.on('SIGXFSZ', () => {});
      const told = await writeFile(process.argv[1], Buffer.alloc(60_000)).catch(({ code, syscall }) => [code, syscall]);
      console.log(JSON.stringify([told, nodeFs.statSync(process.argv[1]).size]));`;
    const command = 'ulimit -f 64; exec "$0" --input-type=module -e "$1" "$2"';
    const child = spawnSync('sh', ['-c', command, process.execPath, program, at('limited')], {
      encoding: 'utf8',
    });
    t.equal(child.stdout, '[["EFBIG","write"],32768]\n', child.stderr);
    t.end();
  });

  t.test('no descriptor is left over', async (t) => {
    const baseline = descriptors();
    for (const name of ['sub', 'plain', 'absent/x', 'fifo2/x', 'link']) {
      for (let i = 0; i < 50; i++) await promisify(fs.writeFile)(at(name), 'x').catch(() => {});
    }
    t.equal(await settledDescriptors(baseline), baseline);
  });
}
