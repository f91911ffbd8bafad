/**
 * Puts the ring's functions into node's own modules, for a whole process: the program, its dependencies, node's http.
 *
 * ```sh
 * node --import ringcore/register app.js
 * node --require ringcore/register app.js
 * ```
 *
 * `fs`, `fs/promises` and `net` stay the objects that they are; their members are replaced. What was loaded before and
 * has taken a function out of them keeps that one. docs/compatibility.md says what stays on libuv. On the node backend
 * nothing is done.
 *
 * @module
 */
import { syncBuiltinESMExports } from 'node:module';
import { backend } from './core/backend.js';
import { registration, setRegistration } from './core/originals.js';
import { callThrough, api, promisesApi } from './fs/exported.js';
import './fs/index.js';
import { fsExports, promisesExports } from './fs/node_exports.js';
import nodeFs from './fs/node_fs.js';
import nodePromises from './fs/node_promises.js';
import { syncFunctions } from './fs/sync_patched.js';
import { netExports, nodeNet } from './net/node_net.js';
import { adjustLoaded } from './register/loaded.js';
import { realpath } from './register/realpath.js';
import { replaceMember, replaceMembers, type Undo } from './register/replace.js';
import { netMembers, prepareSockets } from './register/sockets.js';

let undos: Undo[] | undefined;

/**
 * Puts the ring's functions into node's modules. Importing this module does it, too.
 *
 * @returns Whether they are there now: not on the node backend.
 */
export function register(): boolean {
  if (backend.name === 'node') return false;
  // By this copy of ringcore or another.
  if (registration() !== undefined) return true;
  setRegistration({ fs: nodeFs, 'fs/promises': nodePromises, net: nodeNet });
  undos = [
    // Node's synchronous functions find by themselves what programs put into node's exports.
    ...replaceMembers(fsExports, nodeFs, api, syncFunctions),
    replaceMember(fsExports, 'realpath', realpath),
    ...replaceMembers(promisesExports, nodePromises, promisesApi),
    ...prepareSockets(),
    ...replaceMembers(netExports, nodeNet, netMembers()),
  ];
  callThrough(fsExports);
  adjustLoaded(nodeNet.createConnection, netExports.createConnection);
  syncBuiltinESMExports();
  return true;
}

/**
 * Puts node's own back, where ours still are. What a program has taken out of the modules, and the sockets and servers
 * that it has, go on working.
 */
export function unregister(): void {
  if (undos === undefined) return;
  const { createConnection } = netExports;
  for (const undo of undos.reverse()) undo();
  undos = undefined;
  callThrough(api);
  adjustLoaded(createConnection, netExports.createConnection);
  setRegistration(undefined);
  syncBuiltinESMExports();
}

register();

const exported = { register, unregister };
/** @internal */
export { exported as 'module.exports' };
