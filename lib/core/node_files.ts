/**
 * How the trace reaches its file: synchronously, past the ring that it tells of, and at a process's very end.
 *
 * @module
 */
import fs from 'node:fs';

/** As they were when this was loaded: whoever patches node:fs later is not asked. */
export const { openSync, writeFileSync } = fs;
