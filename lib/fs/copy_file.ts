/**
 * copyFile.
 *
 * @module
 */

export const copyFilePromises = {};
export const copyFileCallbacks = {};
