/** copyFile of 100 MB and of 4 KiB; cp and rm of a tree of small files. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bigPath, blockBytes, content, smallFiles, smallPath } from '../harness/data.js';
import { loadFsPromises } from './implementation.js';
import { measure, verify } from './measure.js';
import { spec } from './protocol.js';

const { copyFile, cp, rm } = await loadFsPromises();
const { directory = '', outputDirectory = '' } = spec;
const big = join(outputDirectory, 'copied-big');
const smallCopy = (file: number): string => join(outputDirectory, `copied-${file}`);
const tree = join(outputDirectory, 'tree');
const treeCopy = join(outputDirectory, 'tree-copy');
const [directories, filesInEach] = [100, 30];
const inTree = (base: string, file: number): string =>
  join(base, `directory-${file % directories}`, `file-${Math.floor(file / directories)}`);

function isSame(copy: string, original: string): void {
  verify(readFileSync(copy).equals(readFileSync(original)), copy);
}

function makeTree(): void {
  rmSync(tree, { recursive: true, force: true });
  for (let index = 0; index < directories; index++) {
    mkdirSync(join(tree, `directory-${index}`), { recursive: true });
  }
  for (let file = 0; file < directories * filesInEach; file++) {
    writeFileSync(inTree(tree, file), content(file, (1 + (file % 2)) * blockBytes));
  }
}

/** What is copied over and over, each time to a name that is free; and whether it came out right. */
const ways: Record<string, { once: (index: number) => Promise<void>; check: () => void }> = {
  big: {
    async once() {
      rmSync(big, { force: true });
      await copyFile(bigPath(directory), big);
    },
    check: () => isSame(big, bigPath(directory)),
  },
  small: {
    async once(index) {
      const file = index % smallFiles;
      rmSync(smallCopy(file), { force: true });
      await copyFile(smallPath(directory, file), smallCopy(file));
    },
    check() {
      for (let file = 0; file < smallFiles; file++) {
        if (existsSync(smallCopy(file))) isSame(smallCopy(file), smallPath(directory, file));
      }
    },
  },
  tree: {
    async once() {
      await cp(tree, treeCopy, { recursive: true });
      for (let file = 0; file < directories * filesInEach; file += 271) {
        isSame(inTree(treeCopy, file), inTree(tree, file));
      }
      await rm(treeCopy, { recursive: true });
    },
    check: () => verify(!existsSync(treeCopy), treeCopy),
  },
};

const way = ways[spec.mode ?? ''];
if (!way) throw new Error(`no way ${spec.mode}`);
if (spec.mode === 'tree') makeTree();
await measure(way.once, {
  ...(spec.mode === 'small' ? {} : { atLeast: 2 }),
  details: () => {
    way.check();
    return {};
  },
});
