/**
 * How many times longer than elsewhere everything takes here: on an emulated machine, scripts/kernel_test.mjs says so.
 * Limits are longer then, and so are the waits of tests that compare what happens first.
 */
export const slowness = Number(process.env['RINGCORE_TEST_SLOWNESS'] ?? 1);

/** A time, as it is to be here. */
export const scaled = (ms: number): number => ms * slowness;
