// The environment in which node loads the addon that was built under the sanitizers (scripts/asan_addon.mjs).
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../..', import.meta.url));
export const directory = join(root, 'test', 'asan');

/** Of the compiler; only its name where there is none. */
function library(name: string): string {
  return execFileSync(process.env['CXX'] ?? 'g++', [`-print-file-name=${name}`], { encoding: 'utf8' }).trim();
}

/** Or why there is none. */
export function sanitized(): NodeJS.ProcessEnv | string {
  if (!existsSync(join(directory, 'build', 'Release', 'ringcore.node')))
    return 'there is no addon under ASan: node scripts/asan_addon.mjs';
  // Node is not built with it: its library must be there first. (Intercepted exceptions need libstdc++ there, too.)
  const libraries = ['libasan.so', 'libubsan.so', 'libstdc++.so.6'].map(library);
  if (!libraries.every(isAbsolute)) return 'the compiler has no libasan';
  return {
    ...process.env,
    LD_PRELOAD: libraries.join(' '),
    // Node leaves much to the end of the process.
    ASAN_OPTIONS: 'detect_leaks=0',
    UBSAN_OPTIONS: 'print_stacktrace=1',
    RINGCORE_BACKEND: 'io_uring',
    RINGCORE_PREBUILD: directory,
    // It is slower.
    TAP_TIMEOUT: '140',
  };
}
