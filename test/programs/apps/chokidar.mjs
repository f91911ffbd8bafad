// chokidar sees what happens in a folder. `chokidar.mjs DIRECTORY`
import { once } from 'node:events';
import { appendFile, mkdir, rename, rm, unlink, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { watch } from 'chokidar';
import { fact } from './facts.mjs';

const [directory] = process.argv.slice(2);
await mkdir(join(directory, 'old/deep'), { recursive: true });
await writeFile(join(directory, 'old/deep/file'), 'there before');

const watcher = watch(directory, {
  ignored: (path) => path.endsWith('.ignored'),
});
const seen = new Set();
let wake = () => {};
watcher.on('all', (event, path) => {
  seen.add(`${event} ${relative(directory, path)}`);
  wake();
});

/** Does something, and waits until all of it was seen. */
async function expect(what, ...events) {
  await what();
  while (!events.every((event) => seen.has(event))) await new Promise((resolve) => (wake = resolve));
  fact('seen', events);
  seen.clear();
}

/** What may happen too soon to be seen: again, until it is. */
const expectRepeating = (what, event) =>
  expect(async () => {
    for (; !seen.has(event); await delay(100)) await what();
  }, event);

const at = (name) => join(directory, name);

const ready = once(watcher, 'ready');
await expect(() => ready, 'addDir ', 'addDir old', 'addDir old/deep', 'add old/deep/file');
await expect(() => writeFile(at('x.ignored'), ''));
await expect(() => writeFile(at('new'), 'text'), 'add new');
// It does not report a change that follows another one of the same file within 5 ms.
await expectRepeating(() => appendFile(at('new'), ' and more'), 'change new');
await expect(() => rename(at('new'), at('renamed')), 'unlink new', 'add renamed');
await expect(() => mkdir(at('folder')), 'addDir folder');
// It looks into a new folder before it watches it, and does not see what is made in between.
await expectRepeating(() => writeFile(at('folder/in it'), 'x'), 'add folder/in it');
await expect(() => rm(at('folder'), { recursive: true }), 'unlink folder/in it', 'unlinkDir folder');
await expect(() => unlink(at('renamed')), 'unlink renamed');
await watcher.close();
fact('closed', Object.keys(watcher.getWatched()));
