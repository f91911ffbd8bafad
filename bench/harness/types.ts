/** The vocabulary of the bench: a case is measured with several drivers, each sample in a fresh process. */

export type Implementation = 'node' | 'ringcore';

/** A runtime with one of the two implementations of fs and net. */
export interface ScriptDriver {
  kind: 'script';
  name: string;
  execPath: string;
  implementation: Implementation;
  /** The driver that this one is compared to. */
  baseline?: ScriptDriver;
  /** Major version of the runtime: which column of the targets counts. */
  major: number;
}

/** A program of bench/native: how fast it goes without JavaScript. */
export interface NativeDriver {
  kind: 'native';
  name: string;
  program: 'echo_epoll' | 'echo_uring' | 'read_files';
}

export type Driver = ScriptDriver | NativeDriver;

export interface Sample {
  /** In the case's unit. */
  value: number;
  /** Verified operations in the measured time. */
  operations: number;
  /** User and system time of the process under test. */
  cpuUsPerOperation?: number;
  p50Us?: number;
  p99Us?: number;
  /** More of the distribution, by the percentile. */
  percentilesUs?: Record<string, number>;
  /** Share of the time in which something else had the processor. */
  disturbed?: number;
  /** Share of the load generator's looks that found nothing to do: near 0 it is the limit, not the server. */
  generatorIdle?: number;
  /** Whatever else the case has to tell. */
  details?: Record<string, number>;
}

export interface SystemCalls {
  perOperation: number;
  tool: 'perf' | 'strace';
  /** The most frequent ones, per operation; strace only. */
  byName?: Record<string, number>;
}

export type Target =
  /** At least so many times as good as the same runtime's own implementation, by its major version. */
  | { kind: 'ratio'; byMajor: Record<number, number> }
  /** At most so much above the runtime's own. */
  | { kind: 'difference'; atMost: number }
  | { kind: 'below' | 'above'; value: number };

export interface Case {
  name: string;
  what: string;
  unit: 'op/s' | 'MB/s' | 'us/MiB' | 'ms' | '%' | 'MiB' | 'bytes' | 'x';
  better: 'higher' | 'lower';
  target?: Target;
  /** One point of a curve: measured for the report, or when asked for by name. */
  scaling?: { curve: string; x: number };
  /** The physical limit, from programs of our own. */
  natives?: NativeDriver[];
  sample(driver: Driver, context: Context): Promise<Sample>;
  /** Absent where a count per operation means nothing. */
  systemCalls?: ((driver: Driver, context: Context) => Promise<SystemCalls>) | undefined;
}

export interface Context {
  warmupMs: number;
  /** The same for JavaScript on sockets, of which there is more to optimize. */
  socketWarmupMs: number;
  durationMs: number;
  /** The processor of the process under test, and that of the load generator; undefined: not pinned. */
  testCpu?: number;
  loadCpu?: number;
  /** Precedence over other processes of the machine. */
  priority: boolean;
  forceStrace: boolean;
  /** The path of a program of bench/native; throws Unavailable when they could not be built. */
  program: (name: string) => string;
  data: Data;
}

/** Where the measured files are. */
export interface Data {
  /** On a disk's file system, in the page cache. */
  directory: string;
  /** On tmpfs, for what is written; undefined where there is none. */
  memoryDirectory?: string;
  /** Makes what only some cases read, when the first of them is measured. */
  make(kind: 'cold' | 'huge' | 'tiny'): void;
  /** Makes a file of that size; its path is {@link sizedPath}'s. */
  makeSized(bytes: number): void;
}

/** A driver that can't run a case here: told in the table, not a failure. */
export class Unavailable extends Error {
  override name = 'Unavailable';
}
