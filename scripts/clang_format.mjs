// clang-format over every C++ file: `-i` to format, `--dry-run --Werror` to check.
import { spawnSync } from 'node:child_process';
import process from 'node:process';
import { globSync } from 'tinyglobby';

const files = globSync([
  'native/**/*.{h,cc}',
  'test/native/*.{h,cc}',
  'bench/native/*.{h,cc}',
  'scripts/**/*.cc',
]);
if (files.length > 0) {
  const result = spawnSync('node_modules/.bin/clang-format', [...process.argv.slice(2), ...files], {
    stdio: 'inherit',
  });
  process.exitCode = result.status ?? 1;
}
