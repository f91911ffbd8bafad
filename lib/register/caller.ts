/**
 * Who calls: some of node's own code asks questions to which it needs other answers than programs do.
 *
 * @module
 */

export interface Caller {
  /** `node:_tls_wrap`, … */
  file: string;
  function: string;
}

type Site = NodeJS.CallSite;

/** The caller of `callee`, a function that is running; undefined where it cannot be told. */
export function callerOf(callee: (...args: never[]) => unknown): Caller | undefined {
  const { stackTraceLimit } = Error;
  const prepare = Object.getOwnPropertyDescriptor(Error, 'prepareStackTrace');
  try {
    Error.stackTraceLimit = 1;
    Object.defineProperty(Error, 'prepareStackTrace', {
      value: (_error: Error, sites: Site[]) => sites,
      configurable: true,
    });
    const holder: { stack?: Site[] } = {};
    Error.captureStackTrace(holder, callee);
    const [site] = holder.stack!;
    return { file: site?.getFileName() ?? '', function: site?.getFunctionName() ?? '' };
  } catch {
    // Errors that nobody may change (--frozen-intrinsics).
    return undefined;
  } finally {
    if (Error.stackTraceLimit !== stackTraceLimit) Error.stackTraceLimit = stackTraceLimit;
    if (prepare !== undefined) Object.defineProperty(Error, 'prepareStackTrace', prepare);
    else Reflect.deleteProperty(Error, 'prepareStackTrace');
  }
}
