// npm run test:asan, its second half: a share of the tests, and generated calls, with the addon under
// AddressSanitizer and UndefinedBehaviorSanitizer.
import { fuzz } from '../fuzz/processes.js';
import { sanitized } from './environment.js';
import { runFile } from './run_file.js';

// Without those that measure resident memory (fs/pipe, fs/read_file): the sanitizer keeps what has been freed.
const files = {
  core: 'buffers chain channels control_ops errors file_ops hardening operation path_ops ring socket_ops timers',
  contract: 'async_context_is_kept backpressure_holds ending_is_nodes',
  fs: 'copy_file direct_io extras file_handle handle_transfer inline memory_file odd_files read_files stat streams',
  net: 'backpressure echo exceptions iteration process ring_closed server timeout worker',
};
const calls = 4000;

const env = sanitized();
if (typeof env === 'string') throw new Error(env);
let failures = 0;
for (const [folder, names] of Object.entries(files)) {
  for (const name of names.split(' ')) {
    const { ok, output } = await runFile(`${folder}/${name}`, env);
    console.log(`${ok ? 'ok' : 'not ok'} test/${folder}/${name}`);
    if (ok) continue;
    failures++;
    console.log(output);
  }
}
const { failures: differences } = await fuzz({ seed: 1, calls, env });
console.log(`${differences.length === 0 ? 'ok' : 'not ok'} ${calls} generated calls`);
for (const line of differences) console.log(line);
process.exitCode = failures + differences.length === 0 ? 0 : 1;
