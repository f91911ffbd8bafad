// What every example does with a failure: one line on the standard error, and exit code 1.
import process from 'node:process';

/** The code of a system or node error (`'EPIPE'`), if it has one. */
export function codeOf(error: unknown): string | undefined {
  return (error as { code?: string } | undefined)?.code;
}

/** One line, as cat(1) has it: who, what, and the error's own words. */
export function report(name: string, error: unknown): void {
  console.error(`${name}: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}

/** Runs the main function of the example `name`. */
export async function run(name: string, main: () => Promise<void>): Promise<void> {
  try {
    await main();
  } catch (error) {
    // Whoever read our output has seen enough (`… | head`): no reason to complain.
    if (codeOf(error) !== 'EPIPE') report(name, error);
  }
}
