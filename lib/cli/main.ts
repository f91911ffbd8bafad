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

async function main([command, ...args]: string[]): Promise<void> {
  if (command === 'run') {
    const { value: backend, help, rest } = parseLeading(args, 'backend');
    if (help) process.stdout.write(usage);
    else if (backend !== undefined && backend !== 'io_uring' && backend !== 'node') {
      misuse('--backend is io_uring or node');
    } else if (rest.length === 0) misuse('run what?');
    else (await import('./run.js')).run(rest, backend);
  } else if (command === 'trace') {
    const { value: output = 'trace.json', help, rest } = parseLeading(args, 'output');
    if (help) process.stdout.write(usage);
    else if (output === '') misuse('--output needs a FILE');
    else if (rest.length === 0) misuse('trace what?');
    else (await import('./trace.js')).trace(rest, output);
  } else if (command === 'doctor') {
    let json: boolean;
    try {
      const flag = { type: 'boolean', default: false } as const;
      const { values } = parseArgs({ args, options: { json: flag, help: { ...flag, short: 'h' } } });
      ({ json } = values);
      if (values.help) return void process.stdout.write(usage);
    } catch (error) {
      return misuse((error as Error).message);
    }
    const { diagnose } = await import('./doctor.js');
    const { describe } = await import('./describe.js');
    const report = diagnose(version());
    process.stdout.write(json ? `${JSON.stringify(report, null, 2)}\n` : describe(report));
    process.exitCode = report.usable ? 0 : 1;
  } else if (command === '--version' || command === '-v') {
    process.stdout.write(`${version()}\n`);
  } else if (command === '--help' || command === '-h') {
    process.stdout.write(usage);
  } else {
    misuse(command === undefined ? 'which command?' : `there is no command ${command}`);
  }
}

await main(process.argv.slice(2));
