// A process of calls with generated arguments: `node run.js FIRST_SEED CALLS`. Prints what differs from node, one line
// each, and at the end the count; a call that hangs or a descriptor that stays open is a difference too.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { isDeepStrictEqual, inspect } from 'node:util';
import { join } from 'node:path';
import { stats } from 'ringcore/core';
import { compare, hung, makeSandbox } from './fs_calls.js';
import { coreCall } from './core_calls.js';
import { netCall } from './net_calls.js';

const callsPerSandbox = 40;
const [first, count] = process.argv.slice(2).map(Number) as [number, number];
const base = mkdtempSync(join(tmpdir(), 'ringcore-fuzz-'));
const folders: [string, string] = [join(base, 'node'), join(base, 'ring')];
const descriptors = (): number => readdirSync('/proc/self/fd').length;
let differences = 0;
const report = (seed: number, what: string): void => {
  differences++;
  console.log(`seed ${seed}: ${what}`);
};
process.on('warning', () => {});
process.on('uncaughtException', (error) => report(-1, `uncaught: ${error.stack}`));
process.on('unhandledRejection', (error) => report(-1, `unhandled: ${inspect(error)}`));

let baseline = 0;
for (let seed = first; seed < first + count; seed++) {
  if ((seed - first) % callsPerSandbox === 0) folders.forEach(makeSandbox);
  const kind = seed % 8;
  if (kind === 7) {
    const problem = await coreCall(seed);
    if (problem !== undefined) report(seed, problem);
  } else if (kind === 6) {
    const { call, node, ring } = await netCall(seed, folders);
    if (!isDeepStrictEqual(node, ring))
      report(seed, `${call}: node ${inspect(node)}, ringcore ${inspect(ring)}`);
  } else {
    const { call, node, ring, faults } = await compare(seed, folders);
    if (ring === hung && node !== hung) report(seed, `${call}: ${hung}`);
    // Of two faults, which is told of first differs between versions of node.
    else if (faults < 2 && !isDeepStrictEqual(node, ring)) {
      report(seed, `${call}: node ${inspect(node)}, ringcore ${inspect(ring)}`);
      folders.forEach(makeSandbox);
    } else if (faults !== 1) folders.forEach(makeSandbox);
  }
  if (seed - first === Math.min(1000, count >> 1)) baseline = await atRest();
}

async function atRest(): Promise<number> {
  let open = descriptors();
  for (let i = 0; i < 100; i++) {
    await new Promise((resolve) => setTimeout(resolve, 2));
    const now = descriptors();
    if (stats().inFlight === 0 && now >= open && i > 20) break;
    open = now;
  }
  return descriptors();
}
const left = (await atRest()) - baseline;
// Some are opened for good when first needed: pipes to splice through, libuv's threads.
if (left > 4) report(-1, `${left} descriptors stay open`);
process.chdir('/');
rmSync(base, { recursive: true, force: true });
console.log(`${count} calls, ${differences} differences`);
process.exit(differences === 0 ? 0 : 1);
