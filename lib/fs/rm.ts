/**
 * rm, and rmdir with `recursive`.
 *
 * @module
 */

export const rmPromises = {};
export const rmCallbacks = {};
