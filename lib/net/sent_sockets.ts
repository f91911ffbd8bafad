/**
 * The sockets of a server that were sent to other processes: they count as its connections until they end there. Node's
 * child_process asks those processes.
 *
 * @module
 */

/** What node keeps of one process. */
export interface SocketList {
  getConnections(callback: (error: Error | null, count: number) => void): void;
  close(callback: () => void): void;
  once(event: 'exit', listener: () => void): unknown;
}

/** All processes that have sockets of one server. */
export class SentSockets {
  readonly #lists: SocketList[];

  constructor(lists: SocketList[]) {
    this.#lists = lists;
  }

  add(list: SocketList): void {
    this.#lists.push(list);
    list.once('exit', () => void this.#lists.splice(this.#lists.indexOf(list), 1));
  }

  /** Calls back with `here` and as many as there are elsewhere. */
  count(here: number, callback: (error: Error | null, count: number) => void): void {
    let total = here;
    let left = this.#lists.length;
    if (left === 0) process.nextTick(callback, null, total);
    for (const list of this.#lists) {
      list.getConnections((error, count) => {
        if (left < 0) return;
        total += count;
        left = error ? -1 : left - 1;
        if (error || left === 0) process.nextTick(callback, error, total);
      });
    }
  }

  /** Waits until the last of them has ended; false: there is nothing to wait for. */
  close(closed: () => void): boolean {
    let left = this.#lists.length;
    for (const list of this.#lists) list.close(() => --left === 0 && closed());
    return this.#lists.length > 0;
  }
}
