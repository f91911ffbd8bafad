#!/usr/bin/env node
/**
 * The command `ringcore`: finds the subcommand, which does the rest.
 *
 * @module
 */
import { createRequire } from 'node:module';
import { parseArgs } from 'node:util';

const usage = `ringcore run [--backend io_uring|node] [NODE FLAGS] APP [ARGS]
    Runs a program with ringcore in place of node's fs, fs/promises and net.
    --backend io_uring makes it an error when io_uring cannot be used; node changes nothing.
ringcore trace [--output FILE] [NODE FLAGS] APP [ARGS]
    Runs it in the same way and writes what io_uring does meanwhile to FILE (trace.json), for https://ui.perfetto.dev.
ringcore doctor [--json]
    Tells whether io_uring is used here, why not, and what to do. Exit code 0: it is; 1: it is not.
ringcore --help | --version
`;

function printUsage(): void {
  process.stdout.write(usage);
}

/** A call that the usage does not allow: exit code 2. */
function misuse(message: string): void {
  process.stderr.write(`ringcore: ${message}\n\n${usage}`);
  process.exitCode = 2;
}

/**
 * The command's own option (and --help) end where node's flags or the program begin: only node knows which of its flags
 * take a value, so what follows is not looked at.
 */
function parseLeading(
  args: string[],
  option: string,
): { value: string | undefined; help: boolean; rest: string[] } {
  const options = { [option]: { type: 'string' }, help: { type: 'boolean', short: 'h' } } as const;
  const { tokens } = parseArgs({ args, options, strict: false, allowPositionals: true, tokens: true });
  let value: string | undefined;
  let help = false;
  for (const token of tokens) {
    if (token.kind === 'option' && token.name === option) value = token.value ?? '';
    else if (token.kind === 'option' && token.name === 'help') help = true;
    else return { value, help, rest: args.slice(token.index) };
  }
  return { value, help, rest: [] };
}

function version(): string {
  return (createRequire(import.meta.url)('../../package.json') as { version: string }).version;
}

async function run(args: string[]): Promise<void> {
  const { value: backend, help, rest } = parseLeading(args, 'backend');
  if (help) return printUsage();
  if (backend !== undefined && backend !== 'io_uring' && backend !== 'node') {
    return misuse('--backend is io_uring or node');
  }
  if (rest.length === 0) return misuse('run what?');
  (await import('./run.js')).run(rest, backend);
}

async function trace(args: string[]): Promise<void> {
  const { value: output = 'trace.json', help, rest } = parseLeading(args, 'output');
  if (help) return printUsage();
  if (output === '') return misuse('--output needs a FILE');
  if (rest.length === 0) return misuse('trace what?');
  (await import('./trace.js')).trace(rest, output);
}

async function doctor(args: string[]): Promise<void> {
  const flag = { type: 'boolean', default: false } as const;
  let json: boolean;
  let help: boolean;
  try {
    ({ json, help } = parseArgs({ args, options: { json: flag, help: { ...flag, short: 'h' } } }).values);
  } catch (error) {
    return misuse((error as Error).message);
  }
  if (help) return printUsage();
  const { diagnose } = await import('./doctor.js');
  const { describe } = await import('./describe.js');
  const report = diagnose(version());
  process.stdout.write(json ? `${JSON.stringify(report, null, 2)}\n` : describe(report));
  process.exitCode = report.usable ? 0 : 1;
}

const printVersion = (): void => void process.stdout.write(`${version()}\n`);

const commands = new Map<string | undefined, (args: string[]) => void | Promise<void>>([
  ['run', run],
  ['trace', trace],
  ['doctor', doctor],
  ['--version', printVersion],
  ['-v', printVersion],
  ['--help', printUsage],
  ['-h', printUsage],
]);

const [name, ...rest] = process.argv.slice(2);
const command = commands.get(name);
if (command !== undefined) await command(rest);
else misuse(name === undefined ? 'which command?' : `there is no command ${name}`);
