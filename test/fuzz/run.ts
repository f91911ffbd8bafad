// A process of calls with generated arguments: `node run.js FOLDER FIRST_SEED CALLS [ONLY]`. Prints what differs from
// node, one line each, and at the end how many calls there were. Which call it is at stands in FOLDER/now: whoever has
// started it learns there where it has crashed, or hangs.
import nodeFs, { ftruncateSync, openSync, readdirSync, writeSync } from 'node:fs';
import nodeNet from 'node:net';
import { isDeepStrictEqual, inspect } from 'node:util';
import { join } from 'node:path';
import { stats } from 'ringcore/core';
import * as ringFs from 'ringcore/fs';
import { random } from '../faults/plan.js';
import { ourNet } from './net_calls.js';
import { facts, hung, turns } from './outcome.js';
import { makeSandbox, snapshot } from './sandbox.js';
import { pick } from './targets.js';
import type { Modules, Target } from './target.js';

const [base, first, count] = [process.argv[2]!, Number(process.argv[3]), Number(process.argv[4])];
const only = process.argv[5] === undefined ? undefined : new RegExp(process.argv[5]);
const node = { folder: join(base, 'node'), modules: { fs: nodeFs, net: nodeNet } };
const ours = {
  folder: join(base, 'ring'),
  modules: { fs: ringFs as unknown as Modules['fs'], net: ourNet },
};
type Side = typeof node;

const now = openSync(join(base, 'now'), 'w');
/** `where`: in whose functions. */
function note(seed: number, where: 'node' | 'ringcore', target: Target): void {
  const text = `${seed} ${where} ${target.name}`;
  writeSync(now, text, 0);
  ftruncateSync(now, text.length);
}

const descriptors = (): number => readdirSync('/proc/self/fd').length;

/** What comes of a call, and what is thrown meanwhile where nobody can catch it. */
let onUncaught: (error: unknown) => void = () => {};
process.on('uncaughtException', (error) => onUncaught(error));
process.on('unhandledRejection', (error) => onUncaught(error));
process.on('warning', () => {});
// What is waited for may be unreferenced, or lost.
setInterval(() => {}, 60_000);

/** `argumentSeed`: what is called is drawn from `seed`, with what from this. */
interface Seeds {
  seed: number;
  argumentSeed: number;
}

interface Result {
  outcome: unknown;
  uncaught: unknown[];
  left: string[];
  faults: number;
}

async function callOf(target: Target, side: Side, { seed, argumentSeed }: Seeds): Promise<Result> {
  process.chdir(side.folder);
  const uncaught: unknown[] = [];
  const thrown = new Promise<{ outcome: unknown; faults: number }>((resolve) => {
    onUncaught = (error) => {
      uncaught.push(facts(error));
      resolve({ outcome: 'uncaught', faults: 0 });
    };
  });
  const called = target.call(side.modules, random(argumentSeed)).catch((error: Error) => {
    // Of the harness, not of what it tests.
    report(seed, target, `the call could not be made: ${error.stack}`);
    return { outcome: 'not called', faults: 0 };
  });
  const result = await Promise.race([called, thrown]);
  await turns(1);
  return { ...result, uncaught, left: snapshot(side.folder) };
}

let differences = 0;
function report(seed: number, target: Target, what: string): void {
  differences++;
  console.log(`seed ${seed}: ${target.name}: ${what}`);
}

const shown = (value: unknown): string => inspect(value, { depth: 8, breakLength: Infinity });

/** What is open or in flight. */
const held = (): number => descriptors() + stats().inFlight;

/** Until no more is held than before, for as long as a slow machine needs. */
async function settles(before: number): Promise<boolean> {
  for (let i = 0; i < 150; i++) {
    if (held() <= before) return true;
    await (i < 50 ? turns(1) : new Promise((resolve) => setTimeout(resolve, 5)));
  }
  return false;
}

/** Some are opened for good when first needed (pipes to splice through, libuv's threads): what grows each time, leaks. */
async function leaks(target: Target, seeds: Seeds): Promise<boolean> {
  const before = held();
  for (let i = 1; i <= 3; i++) {
    makeSandbox(ours.folder);
    await callOf(target, ours, seeds);
    if (await settles(before + i - 1)) return false;
  }
  return true;
}

async function compare(target: Target, seeds: Seeds): Promise<void> {
  const { seed } = seeds;
  note(seed, 'ringcore', target);
  const before = held();
  const ring = await callOf(target, ours, seeds);
  if (!(await settles(before)) && (await leaks(target, seeds))) {
    report(seed, target, 'a descriptor or an operation is left each time');
  }
  if (target.alone) {
    if (ring.outcome !== undefined && /^core/.test(target.name)) report(seed, target, shown(ring.outcome));
    if (ring.outcome === hung || ring.uncaught.length > 0) report(seed, target, shown(ring));
    return;
  }
  note(seed, 'node', target);
  const open = descriptors();
  const nodes = await callOf(target, node, seeds);
  for (let i = 0; i < 10 && descriptors() > open; i++) await turns(1);
  // What node leaves to the garbage collector is not to be taken for ours.
  if (descriptors() > open) globalThis.gc!();
  // Of two faults, which is told of first differs between versions of node.
  const isComparable = ring.faults < 2 || ring.outcome === hung || ring.uncaught.length > 0;
  if (!isComparable || nodes.outcome === hung) return;
  // What node throws where nobody can catch it, is not to be thrown.
  if (nodes.uncaught.length > 0 && ring.uncaught.length === 0) return;
  for (const part of ['outcome', 'uncaught', 'left'] as const) {
    if (!isDeepStrictEqual(nodes[part], ring[part])) {
      report(seed, target, `${part}: node ${shown(nodes[part])}, ringcore ${shown(ring[part])}`);
    }
  }
}

const folders = [node.folder, ours.folder];
folders.forEach(makeSandbox);
const pristine = snapshot(ours.folder);
try {
  for (let seed = first; seed < first + count; seed++) {
    const draw = random(seed);
    const target = pick(draw, only);
    const argumentSeed = draw(2 ** 31);
    await compare(target, { seed, argumentSeed });
    for (const folder of folders) {
      if (!isDeepStrictEqual(snapshot(folder), pristine)) makeSandbox(folder);
    }
  }
} catch (error) {
  // Of the harness: 'uncaughtException' would take it for a call's, and the process would stay.
  console.error(error);
  process.exit(1);
}
console.log(`${count} calls, ${differences} differences`);
process.exit(0);
