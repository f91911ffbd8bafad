// What the demo prints: a line for each check, with what was measured; and whether one of them failed.
import process from 'node:process';

let current = 'the start';
let failures = 0;

/** Runs one check. `body` returns what it measured, and throws if something is not as it should be. */
export async function check(title: string, body: () => Promise<string>): Promise<void> {
  current = title;
  try {
    console.log(`ok      ${title}: ${await body()}`);
  } catch (error) {
    fail(title, error instanceof Error ? error.message : String(error));
  }
}

export function skip(title: string, reason: string): void {
  console.log(`skipped ${title}: ${reason}`);
}

/** For things to know that are not checked. */
export function say(title: string, text: string): void {
  console.log(`        ${title}: ${text}`);
}

export function expect(condition: boolean, otherwise: string): asserts condition {
  if (!condition) throw new Error(otherwise);
}

function fail(title: string, why: string): void {
  failures++;
  process.exitCode = 1;
  console.log(`FAILED  ${title}: ${why}`);
}

/** Runs all checks, and ends with one line about them: also if one hangs, or lets the process end under its feet. */
export async function runChecks(limitMs: number, checks: () => Promise<void>): Promise<void> {
  const begin = performance.now();
  const seconds = (): string => `${((performance.now() - begin) / 1000).toFixed(2)} s`;
  let finished = false;
  process.once('exit', () => {
    if (finished) return;
    // Nothing keeps the event loop alive any more, and yet something is being awaited.
    fail(current, 'it never ended');
    console.log(`demo FAILED after ${seconds()}`);
  });
  const overdue = setTimeout(() => process.exit(1), limitMs).unref();
  await checks();
  clearTimeout(overdue);
  finished = true;
  console.log(failures === 0 ? `demo passed in ${seconds()}` : `demo FAILED: ${failures} failures`);
}

export function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}

/** `8.0 MiB in 3.1 ms (2580 MiB/s)`. */
export function throughput(bytes: number, ms: number): string {
  return `${mebibytes(bytes)} in ${ms.toFixed(1)} ms (${(bytes / 2 ** 20 / (ms / 1000)).toFixed(0)} MiB/s)`;
}

/** Runs `action`; returns what it gave and the milliseconds that it took. */
export async function timed<T>(action: () => Promise<T>): Promise<[result: T, ms: number]> {
  const begin = performance.now();
  const result = await action();
  return [result, performance.now() - begin];
}
