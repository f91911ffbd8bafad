// What can be called, and how it is told.
import type nodeFs from 'node:fs';
import type nodeNet from 'node:net';
import type { Draw } from './values.js';

/** The modules of one of both. */
export interface Modules {
  fs: typeof nodeFs;
  net: typeof nodeNet;
}

export interface Target {
  /** As `fs.readFile`, `FileHandle.read`, `net.Socket.write`, `core.chain`. */
  name: string;
  /** Only ringcore has it: there is nothing to compare with. */
  alone?: boolean;
  /** One call, with arguments of this draw. `faults`: how many arguments are odd. */
  call(modules: Modules, draw: Draw): Promise<{ outcome: unknown; faults: number }>;
}
