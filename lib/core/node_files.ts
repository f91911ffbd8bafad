/**
 * Files past the ring: the addon, before there is one, and the trace, at a process's very end.
 *
 * @module
 */
import fs from 'node:fs';

/** As they were when this was loaded: whoever patches node:fs later is not asked. */
export const { existsSync, openSync, writeFileSync } = fs;
