/** The whole number that an option of a command gives, at least `least`; what is none ends the command. */
export function wholeNumber(option: string, text: string, least = 0): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value >= least) return value;
  console.error(`--${option} ${text}: a whole number from ${least} on is wanted`);
  process.exit(2);
}
