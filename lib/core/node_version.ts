/**
 * The version of node that runs, for the few things that its versions do differently and programs can see.
 *
 * @module
 */
const [major, minor] = process.versions.node.split('.').map(Number) as [number, number];

export const nodeMajor = major;
export const nodeMinor = minor;
