/**
 * The version of node that runs, for the few things that its versions do differently and programs can see.
 *
 * @module
 */
export const nodeMajor = Number.parseInt(process.versions.node, 10);
