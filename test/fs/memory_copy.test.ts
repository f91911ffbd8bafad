// copyFile of small files onto tmpfs is over at once, and so are many writes: each in its turn of the event loop.
import { execFileSync, spawnSync } from 'node:child_process';
import nodeFs from 'node:fs';
import nodePromises from 'node:fs/promises';
import { join } from 'node:path';
import { ring } from 'ringcore/core';
import { copyFile, writeFile } from 'ringcore/fs/promises';
import t from 'tap';
import { answeredAtOnce, newTurn, useUpTurn } from './at_once.js';
import { descriptors, outcome, settledDescriptors } from './helpers.js';

const TMPFS_MAGIC = 0x01021994;
const isTmpfs = nodeFs.existsSync('/dev/shm') && nodeFs.statfsSync('/dev/shm').type === TMPFS_MAGIC;
if (!isTmpfs) t.plan(0, 'SKIP: /dev/shm is no tmpfs');
/** Where there is swap, pages of tmpfs may be out. */
const hasSwap = !/^SwapTotal:\s*0 kB/m.test(nodeFs.readFileSync('/proc/meminfo', 'utf8'));

const dir = isTmpfs ? nodeFs.mkdtempSync('/dev/shm/ringcore-test-') : '';
t.teardown(() => nodeFs.rmSync(dir, { recursive: true, force: true }));
const at = (name: string): string => join(dir, name);

const contents: Record<string, Buffer> = {
  empty: Buffer.alloc(0),
  byte: Buffer.from('x'),
  small: Buffer.alloc(4097, 'small'),
  most: Buffer.alloc(65_536, 'most'),
  more: Buffer.alloc(65_537, 'more'),
};

function makeAnew(): void {
  nodeFs.rmSync(dir, { recursive: true });
  nodeFs.mkdirSync(at('sub'), { recursive: true });
  for (const [name, content] of Object.entries(contents)) nodeFs.writeFileSync(at(name), content);
  nodeFs.writeFileSync(at('program'), 'x');
  nodeFs.chmodSync(at('program'), 0o4757);
  nodeFs.symlinkSync('small', at('link'));
  nodeFs.symlinkSync('absent', at('dangling'));
}

const openats = (): number => ring().stats().operations.openat ?? 0;

if (isTmpfs) {
  t.test('the same as node, at once and through the ring', async (t) => {
    const umask = process.umask(0o027);
    t.teardown(() => void process.umask(umask));
    const seen = (path: string): unknown => {
      try {
        const { mode } = nodeFs.lstatSync(path);
        return [mode, nodeFs.readFileSync(path, 'latin1')];
      } catch (error) {
        return (error as NodeJS.ErrnoException).code;
      }
    };
    const sources = [...Object.keys(contents), 'program', 'link', 'dangling', 'sub', 'absent'];
    const targets = [
      'fresh',
      'sub/fresh',
      'small',
      'link',
      'dangling',
      'sub',
      'absent/fresh',
      'small/x',
      '.',
    ];
    for (const before of [newTurn, async () => useUpTurn()]) {
      for (const source of sources) {
        for (const target of targets) {
          for (const flags of [0, nodeFs.constants.COPYFILE_EXCL]) {
            const found = [];
            for (const copy of [copyFile, nodePromises.copyFile]) {
              makeAnew();
              await before();
              const told = await outcome(() => copy(at(source), at(target), flags));
              found.push([told, seen(at(target)), nodeFs.readdirSync(dir).sort()]);
            }
            t.same(found[0], found[1], `${source} to ${target}, ${flags}`);
          }
        }
      }
    }
  });

  t.test('what is done at once, and what is left to the ring', async (t) => {
    makeAnew();
    const disk = join(t.testdir({ file: 'x' }), 'file');
    const isDisk = nodeFs.statfsSync(disk).type !== TMPFS_MAGIC;
    const copies = (source: string, dest: string): Promise<number> =>
      answeredAtOnce(() => copyFile(source, dest));
    if (!hasSwap) {
      t.equal(await copies(at('small'), at('copy')), 1, 'a small file');
      // The first look at a link has its time of access changed, which can't be done in passing.
      nodeFs.readFileSync(at('link'));
      t.equal(await copies(at('link'), at('another')), 1, 'by a symbolic link');
    }
    // Its name and content are in memory: both have just been written.
    if (isDisk) t.equal(await copies(disk, at('of disk')), 1, 'of a disk');
    const before = openats();
    await copyFile(at('more'), at('large copy'));
    await copyFile(at('small'), at('byte'));
    t.ok(openats() > before, 'larger, or over what is there: through the ring');
    if (isDisk) {
      const opened = openats();
      await copyFile(at('small'), `${disk}2`);
      t.ok(openats() > opened, 'onto a disk');
    }
    execFileSync('mkfifo', [at('fifo')]);
    const reader = nodeFs.openSync(at('fifo'), nodeFs.constants.O_RDWR);
    const ac = new AbortController();
    const copying = (copyFile as (...args: unknown[]) => Promise<void>)(at('fifo'), at('of a pipe'), 0, {
      signal: ac.signal,
    });
    setImmediate(() => ac.abort());
    // As ever: a pipe has no size.
    await copying.catch(({ name }: Error) => t.equal(name, 'AbortError'));
    nodeFs.closeSync(reader);
  });

  t.test('a write that fails leaves nothing', (t) => {
    const program = `
      import { copyFile } from 'ringcore/fs/promises';
      import nodeFs from 'node:fs';
      process.on('SIGXFSZ', () => {});
      const [source, dest] = process.argv.slice(1);
      const told = await copyFile(source, dest).catch(({ code, syscall, path, dest }) => [code, syscall, path, dest]);
      console.log(JSON.stringify([told, nodeFs.existsSync(dest)]));`;
    // 32 KiB at most may be in a file.
    const command = 'ulimit -f 64; exec "$0" --input-type=module -e "$1" "$2" "$3"';
    nodeFs.writeFileSync(at('most'), contents.most!);
    const args = [process.execPath, program, at('most'), at('limited')];
    const child = spawnSync('sh', ['-c', command, ...args], { encoding: 'utf8' });
    const expected = [['EFBIG', 'copyfile', at('most'), at('limited')], false];
    t.equal(child.stdout, `${JSON.stringify(expected)}\n`, child.stderr);
    t.end();
  });

  t.test('what has no room in a turn waits for the next one, in order', async (t) => {
    const count = 400;
    const before = openats();
    const order: number[] = [];
    let turns = 0;
    let running = true;
    const turned = (): void => {
      turns++;
      if (running) setImmediate(turned);
    };
    setImmediate(turned);
    const all = await answeredAtOnce(() =>
      Promise.all(
        Array.from({ length: count }, (_, i) =>
          writeFile(at(`many-${i}`), `${i}`).then(() => void order.push(i)),
        ),
      ),
    );
    running = false;
    t.equal(all, count, 'all of them at once');
    t.equal(openats(), before, 'and none by the ring');
    t.ok(turns >= 3, `${turns} turns`);
    t.same(
      order,
      Array.from({ length: count }, (_, i) => i),
    );
    for (let i = 0; i < count; i++) t.equal(nodeFs.readFileSync(at(`many-${i}`), 'utf8'), `${i}`);
  });

  t.test('a buffer that is detached while it waits does not look written', async (t) => {
    await newTurn();
    useUpTurn();
    const bytes = new Uint8Array(new ArrayBuffer(100)).fill(1);
    const writing = writeFile(at('detached'), bytes);
    structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
    await t.rejects(writing, { code: 'EFAULT' });
  });

  t.test('no descriptor is left over', async (t) => {
    makeAnew();
    const baseline = descriptors();
    for (const source of ['small', 'more', 'sub', 'absent', 'dangling']) {
      for (let i = 0; i < 30; i++) await copyFile(at(source), at(`left-${source}-${i}`)).catch(() => {});
    }
    t.equal(await settledDescriptors(baseline), baseline);
  });
}
