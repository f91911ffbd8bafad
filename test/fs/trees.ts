// Whole trees, as the tests compare them.
import { createHash } from 'node:crypto';
import nodeFs from 'node:fs';
import { join } from 'node:path';

/** What is in a directory, one line an entry: type, mode, contents, where a link leads; times where they are kept. */
export function listing(base: string, { times = false } = {}): string[] {
  const lines: string[] = [];
  const visit = (path: string, name: string): void => {
    const stats = nodeFs.lstatSync(path);
    let what = 'other';
    if (stats.isDirectory()) what = 'directory';
    else if (stats.isSymbolicLink()) what = `link to ${nodeFs.readlinkSync(path)}`;
    else if (stats.isFile()) what = createHash('sha1').update(nodeFs.readFileSync(path)).digest('hex');
    const time = times && stats.isFile() ? ` ${stats.mtime.toISOString()}` : '';
    lines.push(`${name} ${stats.mode.toString(8)} ${what}${time}`);
    if (!stats.isDirectory()) return;
    for (const entry of nodeFs.readdirSync(path).sort()) visit(join(path, entry), `${name}/${entry}`);
  };
  visit(base, '');
  return lines;
}
