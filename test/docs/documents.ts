/** The documents of the project: every *.md that git would know. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { globSync } from 'tinyglobby';

export const root = fileURLToPath(new URL('../../..', import.meta.url));

/** Their paths below the root. */
export const documents = globSync(['*.md', '{docs,bench,examples,test,scripts}/**/*.md'], {
  cwd: root,
  ignore: ['docs/api/**', '**/node_modules/**'],
}).sort();

export const textOf = (path: string): string => readFileSync(`${root}/${path}`, 'utf8');
