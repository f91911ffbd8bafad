/**
 * stat, lstat, fstat, exists, as promises and with callbacks.
 *
 * @module
 */

export const statPromises = {};
export const statCallbacks = {};
