/**
 * Where the native addon is. `node-gyp-build` has put it there (npm's `install` step), and could find it again; but that
 * takes a fifth of the time of an import.
 *
 * @module
 */
import { join } from 'node:path';
import { existsSync } from './node_files.js';

/**
 * What was compiled on this machine, else the prebuilt one for its processor and C library. In the package, or where
 * `RINGCORE_PREBUILD` says, which is node-gyp-build's name for it.
 */
export function findAddon(): string {
  // From dist/core/ to the package's root.
  const directory = process.env.RINGCORE_PREBUILD || join(import.meta.dirname, '../..');
  const compiled = join(directory, 'build/Release/ringcore.node');
  if (existsSync(compiled)) return compiled;
  const libc = existsSync('/etc/alpine-release') ? 'musl' : 'glibc';
  const prebuilt = join(directory, `prebuilds/linux-${process.arch}/node.napi.${libc}.node`);
  if (existsSync(prebuilt)) return prebuilt;
  throw new Error(`there is neither ${compiled} nor ${prebuilt}`);
}
