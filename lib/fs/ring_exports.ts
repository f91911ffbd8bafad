/**
 * Puts the ring's callback forms and streams into the object that `ringcore/fs` exports. Whoever calls through that
 * object imports this module.
 *
 * @module
 */
import { close, closeSync, fdatasync, fsync, open } from './callbacks.js';
import { copyFileCallbacks } from './copy_file.js';
import { cpCallbacks } from './cp.js';
import { api, onRing, publish } from './exported.js';
import { extraCallbacks } from './extras.js';
import { pathCallbacks } from './paths.js';
import { readFileCallback } from './read_file.js';
import { createReadStream, ReadStream } from './read_stream.js';
import { rmCallbacks } from './rm.js';
import { statCallbacks } from './stat.js';
import { syncFunctions } from './sync_patched.js';
import { read, readv, write, writev } from './transfer_callbacks.js';
import { appendFileCallback, writeFileCallback } from './write_file.js';
import { createWriteStream, WriteStream } from './write_stream.js';

// Not node's: on either backend.
publish(api, extraCallbacks);

if (onRing) {
  publish(api, {
    appendFile: appendFileCallback,
    close,
    closeSync,
    createReadStream,
    createWriteStream,
    fdatasync,
    fsync,
    open,
    read,
    readFile: readFileCallback,
    readv,
    ReadStream,
    write,
    writeFile: writeFileCallback,
    writev,
    WriteStream,
  });
  publish(api, statCallbacks);
  publish(api, pathCallbacks);
  publish(api, copyFileCallbacks);
  publish(api, cpCallbacks);
  publish(api, rmCallbacks);
  publish(api, syncFunctions);
  // Names of old. Not in every version of node.
  if ('FileReadStream' in api) publish(api, { FileReadStream: ReadStream });
  if ('FileWriteStream' in api) publish(api, { FileWriteStream: WriteStream });
}
