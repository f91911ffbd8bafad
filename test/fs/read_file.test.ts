// readFile: sizes around every boundary, files of every kind.
import { execFileSync } from 'node:child_process';
import nodeFs from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import { backend } from 'ringcore/core';
import fs, { readFile as readFileCallback } from 'ringcore/fs';
import { open, readFile } from 'ringcore/fs/promises';
import t from 'tap';
import { descriptors, pattern, settledDescriptors } from './helpers.js';

const dir = t.testdir({ sub: {} });
const ring = backend.name === 'io_uring' ? {} : { skip: 'this is the node backend' };

t.test('files of many sizes are read whole', async (t) => {
  const sizes = [
    1, 2, 7, 8, 9, 4095, 4096, 4097, 8191, 8192, 8193, 65_535, 65_536, 524_287, 524_288, 524_289, 3_000_001,
  ];
  for (const size of sizes) {
    const file = join(dir, `size-${size}`);
    const data = pattern(size);
    nodeFs.writeFileSync(file, data);
    t.ok((await readFile(file)).equals(data), `${size} bytes`);
    t.equal(await readFile(file, 'latin1'), data.toString('latin1'), `${size} bytes as a string`);
    const handle = await open(file);
    t.ok((await handle.readFile()).equals(data), `${size} bytes by a handle`);
    await handle.close();
  }
});

t.test('what has been read stays as it is', async (t) => {
  const files = Array.from({ length: 64 }, (_, index) => join(dir, `small-${index}`));
  files.forEach((file, index) => nodeFs.writeFileSync(file, Buffer.alloc(100 + index * 50, index)));
  const first = await Promise.all(files.map((file) => readFile(file)));
  await Promise.all(files.map((file) => readFile(file, 'utf8')));
  await Promise.all(files.map((file) => readFile(file)));
  first.forEach((data, index) => t.ok(data.equals(Buffer.alloc(100 + index * 50, index)), `file ${index}`));
});

t.test('1,000 at once', async (t) => {
  const before = descriptors();
  const file = join(dir, 'thousand');
  nodeFs.writeFileSync(file, pattern(5000));
  const contents = await Promise.all(Array.from({ length: 1000 }, () => readFile(file)));
  t.ok(contents.every((data) => data.equals(pattern(5000))));
  t.equal(await settledDescriptors(before), before);
});

t.test('files that do not tell their size', async (t) => {
  nodeFs.writeFileSync(join(dir, 'empty'), '');
  t.equal((await readFile(join(dir, 'empty'))).length, 0);
  t.equal(await readFile(join(dir, 'empty'), 'utf8'), '');
  t.equal(await readFile('/proc/self/comm', 'utf8'), nodeFs.readFileSync('/proc/self/comm', 'utf8'));
  t.equal(await readFile('/proc/filesystems', 'latin1'), nodeFs.readFileSync('/proc/filesystems', 'latin1'));
  // It says that it has 4096 bytes.
  const sysfs = '/sys/kernel/uevent_seqnum';
  if (nodeFs.existsSync(sysfs)) t.equal(await readFile(sysfs, 'utf8'), nodeFs.readFileSync(sysfs, 'utf8'));
  t.equal((await readFile('/dev/null')).length, 0);
});

t.test('a FIFO: waits for its writer, reads what it writes', async (t) => {
  const fifo = join(dir, 'fifo');
  execFileSync('mkfifo', [fifo]);
  const before = descriptors();
  const content = readFile(fifo, 'utf8');
  t.equal(await Promise.race([content, wait(50, 'waiting')]), 'waiting');
  execFileSync('sh', ['-c', 'printf one > "$0"', fifo]);
  t.equal(await content, 'one');

  const opening = open(fifo);
  t.equal(await Promise.race([opening, wait(50, 'waiting')]), 'waiting');
  const writer = await open(fifo, 'w');
  const reader = await opening;
  await writer.writeFile('two');
  await writer.close();
  t.equal(await reader.readFile('utf8'), 'two');
  await reader.close();

  const writing = open(fifo, nodeFs.constants.O_WRONLY);
  t.equal(await Promise.race([writing, wait(50, 'waiting')]), 'waiting');
  t.equal(
    await Promise.all([
      readFile(fifo, 'utf8'),
      writing.then(async (handle) => {
        await handle.writeFile('three');
        await handle.close();
      }),
    ]).then(([text]) => text),
    'three',
  );

  // Here and gone before anybody has read.
  const late = open(fifo);
  await wait(20);
  execFileSync('sh', ['-c', 'printf four > "$0"', fifo]);
  const handle = await late;
  t.equal(await handle.readFile('utf8'), 'four');
  await handle.close();
  t.equal(await settledDescriptors(before), before);
});

t.test('directories, names, places', async (t) => {
  await t.rejects(readFile(dir), {
    code: 'EISDIR',
    syscall: 'read',
    message: 'EISDIR: illegal operation on a directory, read',
  });
  const odd = Buffer.concat([Buffer.from(`${dir}/`), Buffer.from([0xff, 0xfe, 0x41])]);
  nodeFs.writeFileSync(odd, 'odd name');
  t.equal(await readFile(odd, 'utf8'), 'odd name');
  await t.rejects(readFile(Buffer.concat([odd, Buffer.from('x')])), { code: 'ENOENT' });
  const home = process.cwd();
  process.chdir(join(dir, 'sub'));
  t.teardown(() => process.chdir(home));
  nodeFs.writeFileSync('relative', 'from here');
  t.equal(await readFile('relative', 'utf8'), 'from here');
  process.chdir('..');
  await t.rejects(readFile('relative'), { code: 'ENOENT', path: 'relative' });
  t.equal(await readFile('sub/relative', 'utf8'), 'from here');
});

t.test('flags', async (t) => {
  const file = join(dir, 'flags');
  t.equal(await readFile(file, { encoding: 'utf8', flag: 'a+' }), '', 'a+ makes the file');
  nodeFs.writeFileSync(file, 'text');
  await t.rejects(readFile(file, { flag: 'wx+' }), { code: 'EEXIST' });
  t.equal(await readFile(file, { encoding: 'utf8', flag: 'w+' }), '', 'w+ empties it');
  t.equal(nodeFs.statSync(file).size, 0);
});

t.test('from where a descriptor or a handle stands', async (t) => {
  const file = join(dir, 'position');
  nodeFs.writeFileSync(file, '0123456789');
  const handle = await open(file);
  await handle.read({ buffer: Buffer.alloc(4) });
  t.equal(await handle.readFile('utf8'), '456789');
  t.equal(await handle.readFile('utf8'), '');
  await handle.close();
  const fd = nodeFs.openSync(file, 'r');
  nodeFs.readSync(fd, Buffer.alloc(3), 0, 3, null);
  const text = await new Promise((resolve, reject) => {
    readFileCallback(fd, 'utf8', (error, data) => (error ? reject(error) : resolve(data)));
  });
  t.equal(text, '3456789');
  nodeFs.closeSync(fd);
});

t.test('too large, too long', async (t) => {
  const file = join(dir, 'sparse');
  const before = descriptors();
  nodeFs.closeSync(nodeFs.openSync(file, 'w'));
  nodeFs.truncateSync(file, 2 ** 31);
  const tooLarge = {
    name: 'RangeError',
    code: 'ERR_FS_FILE_TOO_LARGE',
    message: 'File size (2147483648) is greater than 2 GiB',
  };
  await t.rejects(readFile(file), tooLarge);
  const handle = await open(file);
  await t.rejects(handle.readFile(), tooLarge);
  await handle.close();
  nodeFs.truncateSync(file, 2 ** 29);
  await t.rejects(readFile(file, 'latin1'), { code: 'ERR_STRING_TOO_LONG' });
  nodeFs.rmSync(file);
  t.equal(await settledDescriptors(before), before);
});

t.test('the event loop goes on while a large file is read', ring, async (t) => {
  const file = join(dir, 'large');
  nodeFs.writeFileSync(file, Buffer.alloc(64 << 20, 7));
  let turns = 0;
  let running = true;
  const count = (): void => {
    turns++;
    if (running) setImmediate(count);
  };
  const reading = readFile(file);
  count();
  t.equal((await reading).length, 64 << 20);
  running = false;
  // Turns, not milliseconds: those depend on what else the machine does.
  t.ok(turns >= 32, `${turns} turns of the event loop`);
  nodeFs.rmSync(file);
});

const thp = '/sys/kernel/mm/transparent_hugepage';
const huge =
  ring.skip || nodeFs.existsSync(thp) ? ring : { skip: 'the kernel has no transparent huge pages' };

t.test('huge pages are asked for behind very large files', huge, async (t) => {
  const file = join(dir, 'very-large');
  /** Whether there is a mapping of about so many bytes with such advice. */
  const advised = (bytes: number): boolean => {
    const mappings = nodeFs.readFileSync('/proc/self/smaps', 'latin1').split(/^VmFlags:/m);
    // The flags of a mapping stand behind its sizes.
    return mappings.some((text, index) => {
      const flags = mappings[index + 1]?.split('\n', 1)[0] ?? '';
      const size = Number(/^Size: +(\d+) kB/m.exec(text)?.[1]) * 1024;
      return / hg\b/.test(flags) && Math.abs(size - bytes) <= 64 * 1024;
    });
  };
  const mebi = 1024 * 1024;
  nodeFs.writeFileSync(file, 'begin');
  nodeFs.truncateSync(file, 43 * mebi);
  const data = await readFile(file);
  t.equal(data.length, 43 * mebi);
  t.equal(data.toString('latin1', 0, 6), 'begin\0');
  t.ok(advised(data.length));
  nodeFs.truncateSync(file, 47 * mebi);
  const handle = await open(file);
  const byHandle = await handle.readFile();
  t.equal(byHandle.length, 47 * mebi);
  t.ok(advised(byHandle.length), 'by a handle too');
  await handle.close();
});

const report = process.report.getReport() as { header?: { glibcVersionRuntime?: string } };
const glibc =
  ring.skip || report.header?.glibcVersionRuntime ? ring : { skip: 'malloc is not that of glibc' };

t.test('memory that was freed is used again', glibc, async (t) => {
  const file = join(dir, 'again');
  nodeFs.writeFileSync(file, pattern(4_000_000));
  const faultsOf = async (): Promise<number> => {
    const before = process.resourceUsage().minorPageFault;
    for (let round = 0; round < 60; round++) await readFile(file);
    return process.resourceUsage().minorPageFault - before;
  };
  await faultsOf();
  // 240 MB are 58,600 pages.
  const faults = await faultsOf();
  t.ok(faults < 12_000, `${faults} page faults`);
});

t.test('a file that is cut off while it is read', async (t) => {
  const file = join(dir, 'cut');
  for (let round = 0; round < 20; round++) {
    nodeFs.writeFileSync(file, pattern(2_000_000));
    const reading = readFile(file);
    setImmediate(() => nodeFs.truncateSync(file, 700_000));
    const data = await reading;
    t.ok(
      data.length >= 700_000 && data.subarray(0, 700_000).equals(pattern(700_000)),
      `${data.length} bytes`,
    );
  }
});

t.test('the exports are functions with the names of node', async (t) => {
  t.equal(fs.readFile.name, 'readFile');
  t.equal(fs.promises.readFile.name, 'readFile');
});

t.test('what an error of a read names, of a file without a size', async (t) => {
  // Memory at 0 is not there.
  const path = '/proc/self/mem';
  const facts = async (module: typeof nodeFs): Promise<object> => {
    const { message, path: named } = (await promisify(module.readFile)(path).catch(
      (error: unknown) => error,
    )) as NodeJS.ErrnoException;
    return { message, named };
  };
  t.strictSame(await facts(fs), await facts(nodeFs));
});
