/**
 * `node:util`, as few of it as is used. An import of the module would read each of its exports, of which some load
 * modules of their own when they are read (`parseArgs`, `MIMEType`, `diff`, …): half a millisecond on node 20, more later.
 *
 * @module
 */
const util = process.getBuiltinModule('node:util');

export const { format, getSystemErrorMap, inspect, promisify, toUSVString, types } = util;
