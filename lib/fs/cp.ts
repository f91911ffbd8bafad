/**
 * cp: whole trees.
 *
 * @module
 */

export const cpPromises = {};
export const cpCallbacks = {};
