/** What a trace must fulfil to be believed. */
import type { RingStats } from 'ringcore/core';
import { olderThan } from './support.js';

export interface TraceEvent {
  ph: string;
  name: string;
  cat?: string;
  id?: string;
  pid: number;
  tid: number;
  ts: number;
  dur?: number;
  args: Record<string, unknown>;
}

/** Spans end, results lie in them, and whatever has an end had a beginning before it. */
function operationFaults(events: TraceEvent[]): string[] {
  const faults: string[] = [];
  const open = new Map<string, TraceEvent>();
  for (const event of events.filter(({ cat }) => cat === 'operation')) {
    const what = `${event.ph} of ${event.name} ${event.id}`;
    const begun = open.get(event.id!);
    if (event.ph === 'b') {
      if (begun !== undefined) faults.push(`${what}: begun twice`);
      open.set(event.id!, event);
    } else if (begun === undefined) {
      faults.push(`${what}: never begun`);
    } else {
      if (event.ts < begun.ts) faults.push(`${what}: before its beginning`);
      if (event.ph === 'e') open.delete(event.id!);
      if (event.ph === 'e' && event.name !== begun.name) faults.push(`${what}: begun as ${begun.name}`);
    }
  }
  return faults;
}

/** Of one row: each two spans lie one in the other or one after the other. */
function nestingFaults(events: TraceEvent[]): string[] {
  const faults: string[] = [];
  const rows = new Map<string, TraceEvent[]>();
  for (const event of events.filter(({ ph }) => ph === 'X')) {
    const row = `${event.pid}.${event.tid}`;
    if (rows.get(row)?.push(event) === undefined) rows.set(row, [event]);
  }
  // Nanoseconds, as the records have them: in microseconds a sum is not exact.
  const ns = (microseconds: number): number => Math.round(microseconds * 1000);
  for (const spans of rows.values()) {
    const inOrder = spans
      .map(({ name, ts, dur }) => ({ name, begin: ns(ts), end: ns(ts) + ns(dur!) }))
      .sort((a, b) => a.begin - b.begin || b.end - a.end);
    const around: typeof inOrder = [];
    for (const span of inOrder) {
      while (around.length > 0 && around.at(-1)!.end <= span.begin) around.pop();
      const outer = around.at(-1);
      if (outer !== undefined && outer.end < span.end) {
        faults.push(`${span.name} at ${span.begin} ends outside of ${outer.name}`);
      }
      around.push(span);
    }
  }
  return faults;
}

/** The sums agree with the counters that the ring keeps by itself. */
function countFaults(events: TraceEvent[]): string[] {
  const faults: string[] = [];
  for (const { tid, pid, args } of events.filter(({ name }) => name === 'stats')) {
    const stats = args as unknown as RingStats;
    const own = events.filter((event) => event.pid === pid && event.tid === tid);
    const named = (name: string): TraceEvent[] =>
      own.filter((event) => event.ph === 'X' && event.name === name);
    const sum = (name: string, field: string): number =>
      named(name).reduce((total, event) => total + (event.args[field] as number), 0);
    const compare = (what: string, found: number, counted: number): void => {
      if (found !== counted) faults.push(`${what}: ${found} in the trace, ${counted} counted`);
    };
    compare('enters', named('enter').length, stats.enters);
    compare('SQEs', sum('enter', 'submitted'), stats.submitted);
    // A kernel worker of 6.1 leaves its completions by itself, between the calls too; newer ones leave all to the calls.
    const inCalls = sum('enter', 'completions');
    if (!olderThan('6.2') || inCalls > stats.completions) compare('CQEs', inCalls, stats.completions);
    compare('reaped', sum('reap', 'completions'), stats.completions);
    compare('batches', named('batch').length, stats.batches);
    compare('at once', own.filter(({ name }) => name.endsWith(' at once')).length, stats.atOnce);
    const operations = own.filter(({ cat }) => cat === 'operation');
    const started = operations.filter(({ ph }) => ph === 'b');
    compare('in flight', started.length - operations.filter(({ ph }) => ph === 'e').length, stats.inFlight);
    for (const [kind, count] of Object.entries(stats.operations)) {
      // These two are also submitted on behalf of other operations.
      const counts = ['linkTimeout', 'cancelOperation'].includes(kind) ? ['b', 'n'] : ['b'];
      const found = operations.filter(({ ph, name }) => name === kind && counts.includes(ph));
      compare(kind, found.length, count);
    }
  }
  return faults;
}

export function traceFaults(events: TraceEvent[]): string[] {
  return [...operationFaults(events), ...nestingFaults(events), ...countFaults(events)];
}
