/**
 * node's own `node:fs`: what ringcore falls back to, and what it has no ring version of yet.
 *
 * @module
 */
import nodeFs from 'node:fs';

export * from 'node:fs';
export default nodeFs;
