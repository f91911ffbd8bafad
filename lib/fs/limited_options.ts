/**
 * The types of options that have limits among them.
 *
 * @module
 */
import type { BigIntStats, Mode, OpenMode, Stats } from 'node:fs';
import type { Limits } from './options.js';

/** Contents as a string. */
export interface AsText extends Limits {
  encoding: BufferEncoding;
}

/** Contents as a Buffer. */
export interface AsBytes extends Limits {
  encoding?: null | undefined;
}

/** Contents as a string or a Buffer; of what is written, how its strings are encoded. */
export interface Encoded extends Limits {
  encoding?: BufferEncoding | null | undefined;
}

/** How a file is opened that is named. */
export interface Opened {
  flag?: OpenMode | undefined;
}

/** The options of writeFile and appendFile. */
export interface Writing extends Encoded, Opened {
  /** Permissions of a new file. */
  mode?: Mode | undefined;
  /** Whether it is on the device before it is closed. */
  flush?: boolean | undefined;
}

/** The options of stat, lstat and fstat. */
export interface Inspecting<B extends boolean> extends Limits {
  bigint?: B | undefined;
}

/** What they give. */
export type StatsOf<B extends boolean> = B extends true ? BigIntStats : Stats;
