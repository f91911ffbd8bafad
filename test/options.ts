import { parseArgs, type ParseArgsConfig } from 'node:util';

type Options = NonNullable<ParseArgsConfig['options']>;
type Values<O extends Options> = ReturnType<typeof parseArgs<{ options: O }>>['values'];

/** What a command is told. `--help` shows `usage` and ends it, and so does what it has no option for. */
export function readOptions<const O extends Options>(usage: string, options: O): Values<O> {
  const help = { type: 'boolean', short: 'h', default: false } as const;
  try {
    const { values } = parseArgs({ options: { ...options, help } });
    const told: { help?: unknown } = values;
    if (told.help !== true) return values;
  } catch (error) {
    console.error(`${(error as Error).message}\n${usage}`);
    process.exit(2);
  }
  console.log(usage);
  process.exit();
}
