// Writing to the standard output, whatever it is: a terminal, a pipe, a file, the end of a file.
import { constants, statx, write } from 'ringcore/core';

export const stdin = 0;
export const stdout = 1;

/**
 * Writes all of `data`, and resumes after a short write: a pipe takes what it has room for.
 *
 * It gives no position. A terminal and a pipe have none, and a file has its own: `>> file` and `(cat a; cat b) > file`
 * rely on every writer to go on where the one before it stopped. Offset 0 would overwrite.
 */
export async function writeAll(fd: number, data: Uint8Array): Promise<void> {
  for (let offset = 0; offset < data.length;) {
    // Where there is no room it waits, in the kernel: even if someone who has the pipe too has made it non-blocking.
    offset += await write(fd, data, { offset, position: null });
  }
}

/** Refuses to copy a file to its own end, which would go on until the disk is full: `cat a >> a`. */
export async function refuseEndlessCopy(fd: number, path: string): Promise<void> {
  const [from, to] = await Promise.all([statx(fd), statx(stdout)]);
  const isFile = (from.mode & constants.S_IFMT) === constants.S_IFREG;
  if (isFile && from.size > 0 && from.dev === to.dev && from.ino === to.ino) {
    throw new Error(`${path}: the input file is the output file`);
  }
}
