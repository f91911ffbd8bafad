// What main.ts is told, checked before a process is started.
import { parseArgs } from 'node:util';
import type { Options } from './processes.js';
import { named } from './targets.js';

export const usage =
  'usage: npm run test:fuzz -- [--seed N] [--calls N] [--seconds N] [--only EXPRESSION] [--help]';

function numberOf(name: string, text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0)) throw new Error(`--${name}: ${text} is no number from 0`);
  return value;
}

function integerOf(name: string, text: string): number {
  const value = numberOf(name, text);
  if (!Number.isSafeInteger(value)) throw new Error(`--${name}: ${text} is no integer`);
  return value;
}

/** Undefined where help is asked for; throws what is wrong. */
export function readCommandLine(args: string[]): Options | undefined {
  const { values } = parseArgs({
    args,
    options: {
      seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 30)) },
      calls: { type: 'string', default: '100000' },
      seconds: { type: 'string', default: 'Infinity' },
      only: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const { only } = values;
  if (values.help) return undefined;
  if (only !== undefined) named(new RegExp(only));
  return {
    seed: integerOf('seed', values.seed),
    calls: integerOf('calls', values.calls),
    seconds: numberOf('seconds', values.seconds),
    only,
  };
}
