// Links between the documents lead somewhere: files that are there, headings that are there.
import { existsSync, statSync } from 'node:fs';
import { posix } from 'node:path';
import t from 'tap';
import { documents, root, textOf } from './documents.js';

/** Without code, in which brackets mean something else. */
const proseOf = (markdown: string): string =>
  markdown.replace(/^```[\s\S]*?^```$/gm, '').replace(/`[^`\n]*`/g, '');

/** A heading's anchor, as GitHub makes it. */
const anchorOf = (heading: string): string =>
  heading
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(' ', '-');

const anchorsOf = (markdown: string): string[] =>
  [...markdown.replace(/^```[\s\S]*?^```$/gm, '').matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    anchorOf(heading!.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')),
  );

function linksOf(markdown: string): string[] {
  const prose = proseOf(markdown);
  const inline = [...prose.matchAll(/\]\(([^)\s]+)(?: "[^"]*")?\)/g)];
  const defined = [...prose.matchAll(/^\[[^\]]+\]: (\S+)$/gm)];
  return [...inline, ...defined].map(([, target]) => target!);
}

/** What is wrong with a link in the document at `path`, if anything. */
function linkFault(path: string, link: string): string | undefined {
  if (/^(https?|mailto):/.test(link)) return undefined;
  const [target = '', anchor] = link.split('#');
  const file = target === '' ? path : posix.join(posix.dirname(path), target);
  if (file.startsWith('..') || !existsSync(posix.join(root, file))) return `${path}: ${link} is not there`;
  if (anchor === undefined) return undefined;
  if (!file.endsWith('.md') || statSync(posix.join(root, file)).isDirectory()) {
    return `${path}: ${link} has an anchor in what is no document`;
  }
  return anchorsOf(textOf(file)).includes(anchor) ? undefined : `${path}: ${link}: no such heading`;
}

t.test('every link leads somewhere', async (t) => {
  t.ok(documents.length > 30, `${documents.length} documents`);
  let links = 0;
  for (const path of documents) {
    for (const link of linksOf(textOf(path))) {
      links++;
      t.equal(linkFault(path, link), undefined);
    }
  }
  t.ok(links > 100, `${links} links`);
});

t.test('every document can be reached from the README', async (t) => {
  const reached = new Set<string>();
  const follow = (path: string): void => {
    if (reached.has(path)) return;
    reached.add(path);
    for (const link of linksOf(textOf(path))) {
      const target = posix.join(posix.dirname(path), link.split('#')[0]!);
      const isDirectory =
        existsSync(posix.join(root, target)) && statSync(posix.join(root, target)).isDirectory();
      for (const document of documents) {
        if (
          document === target ||
          (isDirectory && posix.dirname(document) === posix.join(target, '.').replace(/\/$/, ''))
        ) {
          follow(document);
        }
      }
    }
  };
  follow('README.md');
  t.same(
    documents.filter((path) => !reached.has(path)),
    [],
  );
});

t.test('the check finds links that lead nowhere', async (t) => {
  t.ok(linkFault('README.md', 'docs/none.md'));
  t.ok(linkFault('README.md', '../outside.md'));
  t.ok(linkFault('README.md', 'docs/architecture.md#no-such-heading'));
  t.ok(linkFault('docs/tracing.md', 'trace/three_files.mjs#here'));
  t.equal(linkFault('README.md', 'docs/architecture.md#the-ring-is-restricted'), undefined);
  t.same(linksOf('[a](b.md) `[c](d.md)` ![e](f.svg "title")\n[g]: h.md\n```\n[i](j.md)\n```\n'), [
    'b.md',
    'f.svg',
    'h.md',
  ]);
  t.same(anchorsOf('## What `stat` does, and why\n### [A link](x.md) (6.1)\n'), [
    'what-stat-does-and-why',
    'a-link-61',
  ]);
});
