// Runs a script against the addon with the fault layer (test/faults). The script has `plan`, `work` (a folder of its
// own), all of ringcore, and prints JSON.
import { join } from 'node:path';
import { runScript, type Outcome } from '../core/support.js';
import { faultEnvironment } from '../faults/runner.js';

/** Opcodes by name, for `plan.begin(seed, rates, { once, spared })`. */
const opcodes = {
  nop: 0,
  fsync: 3,
  cancel: 14,
  openat: 18,
  close: 19,
  read: 22,
  write: 23,
  send: 26,
  recv: 27,
};

const prelude = `
  import { Plan } from ${JSON.stringify(join(import.meta.dirname, '../faults/plan.js'))};
  import nodeFs from 'node:fs';
  import { once } from 'node:events';
  import { createRequire } from 'node:module';
  import * as core from 'ringcore/core';
  import * as fs from 'ringcore/fs';
  import net from 'ringcore/net';
  import { bind, listen, pipe } from ${JSON.stringify(join(import.meta.dirname, '../core/support.js'))};
  const plan = new Plan(process.env.RINGCORE_FAULTS);
  const work = process.env.WORK;
  const opcode = ${JSON.stringify(opcodes)};
  // What is to be spared where only cancellations are to fail.
  const allButCancel = Array.from({ length: 64 }, (_, i) => i).filter((i) => i !== opcode.cancel);
  // libuv keeps a descriptor in reserve from the first stream on.
  process.stdout.isTTY;
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  const turns = async (count) => { while (count-- > 0) await turn(); };
  const codeOf = (promise) => Promise.resolve(promise).then(() => 'done', (error) => error.code ?? String(error));
  const descriptors = () => nodeFs.readdirSync('/proc/self/fd').length;
  const listening = async (onConnection) => {
    const server = net.createServer(onConnection).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return server;
  };
`;

/** What the script printed, as JSON; its failure is this one's. */
export async function underFaults<T>(directory: string, script: string): Promise<T> {
  const env = { ...faultEnvironment(join(directory, 'plan')), WORK: directory };
  const outcome: Outcome = await runScript(prelude + script, { env });
  if (outcome.code !== 0) throw new Error(`exit code ${outcome.code ?? outcome.signal}: ${outcome.stderr}`);
  return JSON.parse(outcome.stdout) as T;
}

/** As {@link underFaults}, without faults: the addon as it is, and no plan. */
export function withoutFaults(script: string, env: NodeJS.ProcessEnv = process.env): Promise<Outcome> {
  const plain = prelude.replace(/^ *import \{ Plan \}.*$/m, '').replace(/^ *const plan .*$/m, '');
  return runScript(plain + script, { env });
}
