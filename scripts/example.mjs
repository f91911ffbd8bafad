// npm run example -- NAME ARGS…: runs examples/NAME.ts or examples/NAME/main.ts as compiled, in this very process,
// so that stdin, stdout, signals and the exit code are the example's own. plain/NAME: its twin on plain node.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** The examples by name, each with its path below examples/, without the suffix. */
function listExamples() {
  const found = new Map();
  for (const entry of readdirSync(join(root, 'examples'), { withFileTypes: true })) {
    const name = entry.name.replace(/\.ts$/, '');
    if (entry.isFile() && name !== entry.name) found.set(name, name);
    else if (existsSync(join(root, 'examples', name, 'main.ts'))) found.set(name, join(name, 'main'));
  }
  for (const file of readdirSync(join(root, 'examples/plain'))) {
    const name = `plain/${file.replace(/\.ts$/, '')}`;
    found.set(name, name);
  }
  return new Map([...found].sort());
}

/** The first line of the first comment in an example's source. */
function summary(path) {
  const source = readFileSync(join(root, 'examples', `${path}.ts`), 'utf8');
  return /^[\s/*]+([^\n]*?)\s*(?:\*\/)?\n/.exec(source)?.[1] ?? '';
}

const [name, ...args] = process.argv.slice(2);
const examples = listExamples();
const path = examples.get(name);
if (path === undefined) {
  const list = name === undefined ? console.log : console.error;
  list(name === undefined ? 'npm run example -- NAME ARGS…' : `There is no example called ${name}.`);
  for (const [known, at] of examples) {
    if (!known.startsWith('plain/')) list(`  ${known.padEnd(22)} ${summary(at)}`);
  }
  if (name !== undefined) process.exitCode = 2;
} else {
  const file = join(root, 'build', 'examples', `${path}.js`);
  process.argv = [process.argv[0], file, ...args];
  await import(pathToFileURL(file).href);
}
