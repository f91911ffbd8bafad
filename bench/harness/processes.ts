/** Child processes: pinned to a processor, bounded in time, ended by their own id. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Unavailable, type Context, type ScriptDriver } from './types.js';
import type { FromWorker, ToWorker, WorkerSpec } from '../workers/protocol.js';

const longestMs = 60_000;

export function hasTool(name: string): boolean {
  return spawnSync(name, ['--version'], { stdio: 'ignore' }).error === undefined;
}

const canPin = hasTool('taskset');

export interface StartOptions {
  cpu: number | undefined;
  priority: boolean;
  ipc?: boolean;
  env?: NodeJS.ProcessEnv;
}

export function start(command: string, args: string[], options: StartOptions): ChildProcess {
  const pinned = options.cpu !== undefined && canPin;
  const [first = '', ...rest] = pinned
    ? ['taskset', '-c', String(options.cpu), command, ...args]
    : [command, ...args];
  const child = spawn(first, rest, {
    stdio: ['ignore', 'pipe', 'pipe', ...(options.ipc ? (['ipc'] as const) : [])],
    env: options.env,
    timeout: longestMs,
    killSignal: 'SIGKILL',
    // A session of its own has an autogroup of its own, whose weight can be set.
    detached: options.priority,
  });
  if (options.priority) prefer(child);
  return child;
}

/** Gives a process the processor before others, whose work goes on in the pauses between the runs. */
function prefer(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    writeFileSync(`/proc/${child.pid}/autogroup`, '-20');
  } catch {
    // No autogroups, or not allowed: the share of disturbed time will tell.
  }
}

/** Ends a process that start() started. */
export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

function collect(stream: NodeJS.ReadableStream | null): { text: string } {
  const collected = { text: '' };
  stream?.setEncoding('utf8').on('data', (chunk: string) => {
    if (collected.text.length < 100_000) collected.text += chunk;
  });
  return collected;
}

/** Runs a program to its end and returns what it printed. */
export async function runForOutput(
  command: string,
  args: (string | number)[],
  options: StartOptions,
): Promise<string> {
  const child = start(command, args.map(String), options);
  const stdout = collect(child.stdout);
  const stderr = collect(child.stderr);
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  if (code !== 0) {
    throw new Error(`${command}: ${signal ?? `exit code ${code}`}: ${stdout.text}${stderr.text}`.trim());
  }
  return stdout.text;
}

/** Runs a program of bench/native to its end and returns the JSON that it printed. */
export async function runProgram(
  command: string,
  args: (string | number)[],
  options: StartOptions,
): Promise<Record<string, number>> {
  return JSON.parse(await runForOutput(command, args, options)) as Record<string, number>;
}

/** Starts a server of bench/native, which prints its port first. */
export async function startProgram(
  command: string,
  options: StartOptions,
): Promise<{ child: ChildProcess; port: number }> {
  const child = start(command, ['--seconds', '60'], options);
  if (!child.stdout) throw new Error(`${command} has no stdout`);
  const stderr = collect(child.stderr);
  const firstLine = once(child.stdout.setEncoding('utf8'), 'data') as Promise<[string]>;
  const first = await Promise.race([firstLine, once(child, 'close').then(() => undefined)]);
  if (first === undefined) throw new Error(`${command} ended: ${stderr.text}`);
  return { child, port: (JSON.parse(first[0]) as { port: number }).port };
}

/** A script of bench/workers in a process of its own. */
export class Worker {
  readonly #received: FromWorker[] = [];
  readonly #stderr: { text: string };
  /** Where it listens, if it is a server. */
  port = 0;
  #wake: () => void = () => {};

  private constructor(readonly child: ChildProcess) {
    this.#stderr = collect(child.stderr);
    child.stdout?.resume();
    child.on('message', (message: FromWorker) => {
      this.#received.push(message);
      this.#wake();
    });
    child.once('close', () => this.#wake());
  }

  static async start(
    script: string,
    spec: Omit<WorkerSpec, 'implementation'>,
    driver: ScriptDriver,
    context: Context,
    nodeArguments: string[] = [],
  ): Promise<Worker> {
    const path = fileURLToPath(new URL(`../workers/${script}.js`, import.meta.url));
    const { implementation } = driver;
    const argument = JSON.stringify({ ...spec, implementation });
    const child = start(driver.execPath, [...nodeArguments, path, argument], {
      cpu: context.testCpu,
      priority: context.priority,
      ipc: true,
      // Without io_uring ringcore would pass through to node's own, and node would be measured twice.
      env: { ...process.env, RINGCORE_BACKEND: 'io_uring' },
    });
    const worker = new Worker(child);
    try {
      worker.port = (await worker.receive('ready')).port ?? 0;
    } catch (error) {
      await worker.end();
      throw error;
    }
    return worker;
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  tell(message: ToWorker): void {
    this.child.send(message);
  }

  /** The next message, which must be of this type. */
  async receive<T extends FromWorker['type']>(type: T): Promise<Extract<FromWorker, { type: T }>> {
    for (;;) {
      const message = this.#received.shift();
      if (message?.type === 'unavailable') throw new Unavailable(message.reason);
      if (message?.type === type) return message as Extract<FromWorker, { type: T }>;
      if (message !== undefined) throw new Error(`worker said ${JSON.stringify(message)}, not ${type}`);
      if (this.child.exitCode !== null || this.child.signalCode !== null) {
        const how = this.child.signalCode ?? `exit code ${this.child.exitCode}`;
        throw new Error(`worker ended (${how}): ${this.#stderr.text.trim()}`);
      }
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  /** Lets it end by itself, and ends it when it does not. */
  async end(): Promise<void> {
    const exited = once(this.child, 'exit');
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    if (this.child.connected) this.child.disconnect();
    const patience = new AbortController();
    await Promise.race([exited, delay(2000, undefined, { signal: patience.signal }).catch(() => {})]);
    patience.abort();
    await end(this.child);
  }
}
