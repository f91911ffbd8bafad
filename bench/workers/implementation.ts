/** The modules under test, by the name of the implementation. */
import type * as nodeFs from 'node:fs';
import type * as nodeFsPromises from 'node:fs/promises';
import type * as nodeNet from 'node:net';
import { spec, tell } from './protocol.js';

async function load<T>(own: string, ours: string): Promise<T> {
  try {
    return (await import(spec.implementation === 'node' ? own : ours)) as T;
  } catch (error) {
    tell({ type: 'unavailable', reason: String(error).split('\n')[0] ?? '' });
    // The message must have gone out before the process ends.
    return new Promise<T>(() => {});
  }
}

export const loadFs = () => load<typeof nodeFs>('node:fs', 'ringcore/fs');
export const loadFsPromises = () => load<typeof nodeFsPromises>('node:fs/promises', 'ringcore/fs/promises');
export const loadNet = () => load<typeof nodeNet>('node:net', 'ringcore/net');
