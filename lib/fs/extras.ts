/**
 * What io_uring offers and node:fs does not.
 *
 * @module
 */

export const extraPromises = {};
export const extraCallbacks = {};
