/**
 * `ringcore run`: node with `--import ringcore/register`.
 *
 * The flag, rather than an import in this process, since it also reaches what the program forks and its workers. Where
 * node can replace its own process (`process.execve`, 22.15 and 23.11) it does: then there is one process, with the pid
 * that the caller knows, and nothing stands between it and its signals, its terminal and its exit code. Elsewhere a
 * child runs the program, and this process hands signals down and the outcome up.
 *
 * @module
 */
import { spawn } from 'node:child_process';

/** Those that a program may want to hear of, and that do not stop this process by themselves (SIGKILL, SIGSTOP). */
const forwarded: NodeJS.Signals[] = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGUSR1', 'SIGUSR2'];
/** A terminal sends these to all of its foreground processes: the child has them already. */
const fromTerminal: NodeJS.Signals[] = ['SIGINT', 'SIGQUIT'];

type Execve = (file: string, args: string[], env: NodeJS.ProcessEnv) => never;

/** Node's arguments, so that it runs `rest` with ringcore in place of its own modules. */
export function nodeArguments(rest: string[]): string[] {
  // By address: from the program's directory the name may mean another ringcore, or none.
  const register = new URL('../register.js', import.meta.url).href;
  // Flags that this process was given itself (node --flag ringcore run) are the program's.
  return [...process.execArgv, '--import', register, ...rest];
}

/** Runs `node --import ringcore/register …rest`; sets this process's exit code, or ends it with the child's signal. */
export function run(rest: string[], backend?: 'io_uring' | 'node'): void {
  const args = nodeArguments(rest);
  const env = backend === undefined ? process.env : { ...process.env, RINGCORE_BACKEND: backend };
  const { execve } = process as { execve?: Execve };
  if (execve !== undefined) execve.call(process, process.execPath, [process.argv0, ...args], { ...env });
  else runChild(args, env);
}

/** Runs node in a child, and ends as it does, after `ended`. */
export function runChild(args: string[], env: NodeJS.ProcessEnv, ended?: () => void): void {
  const child = spawn(process.execPath, args, { stdio: 'inherit', env, argv0: process.argv0 });
  const atTerminal = process.stdin.isTTY;
  for (const signal of forwarded) {
    process.on(signal, () => {
      if (!(atTerminal && fromTerminal.includes(signal))) child.kill(signal);
    });
  }
  child.on('error', (error) => {
    process.stderr.write(`ringcore: ${process.execPath} cannot be run: ${error.message}\n`);
    process.exitCode = 1;
  });
  child.on('exit', (code, signal) => {
    ended?.();
    for (const each of forwarded) process.removeAllListeners(each);
    if (signal === null) process.exitCode = code ?? 1;
    else process.kill(process.pid, signal);
  });
}
