// Starts an example that is a server, and ends it as Ctrl-C does.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import type { Test } from 'tap';
import { commandOf, root } from './run_example.js';

export interface RunningServer {
  host: string;
  port: number;
  /** `http://127.0.0.1:1234`. */
  url: string;
  kill(signal: NodeJS.Signals): void;
  /** What it has printed, and how it has ended. */
  ended: Promise<{ code: number | null; stdout: string; stderr: string }>;
}

/** `args` are to let it choose its port. */
export async function startServer(t: Test, args: string[], backend: string): Promise<RunningServer> {
  const [command = '', ...rest] = commandOf(args);
  const child = spawn(command, rest, {
    cwd: root,
    env: { ...process.env, RINGCORE_BACKEND: backend },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const stderr = text(child.stderr);
  const closed = once(child, 'close') as Promise<[number | null]>;
  t.teardown(() => child.kill('SIGKILL'));

  let stdout = '';
  const address = await new Promise<RegExpExecArray>((resolve, reject) => {
    createInterface(child.stdout).on('line', (line) => {
      stdout += `${line}\n`;
      const match = /^listening on (?:http:\/\/)?(127\.0\.0\.1):(\d+)/.exec(line);
      if (match !== null) resolve(match);
    });
    void closed.then(async () => reject(new Error(`it did not listen: ${await stderr}`)));
  });
  const [, host = '', port = ''] = address;
  return {
    host,
    port: Number(port),
    url: `http://${host}:${port}`,
    kill: (signal) => void child.kill(signal),
    ended: Promise.all([closed, stderr]).then(([[code], stderr]) => ({ code, stdout, stderr })),
  };
}
