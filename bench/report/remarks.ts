/**
 * What the figures do not say by themselves, written by hand; the report puts each beside its case.
 * A key is the beginning of the names of the cases that it is for.
 */
export const remarks: Record<string, string> = {};

/** Behind the machine's facts. */
export const general = '';
