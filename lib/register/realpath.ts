/**
 * `fs.realpath` of `/dev/stdin` and its like. Node's own resolves a path by `fs.lstat` and `fs.stat`, and tells by what
 * its binding left behind at the last of them that it has come to a pipe or a socket, which is nowhere in the tree. The
 * ring's leave nothing behind; node's synchronous form asks the binding itself.
 *
 * @module
 */
import { likeNodes } from '../fs/exported.js';
import nodeFs from '../fs/node_fs.js';

type Callback = (error: NodeJS.ErrnoException | null, resolved?: unknown) => void;
type Realpath = (path: unknown, options: unknown, callback?: unknown) => void;

const nodes = nodeFs.realpath as unknown as Realpath;

function realpath(path: unknown, options: unknown, callback?: unknown): void {
  const [given, done] = typeof options === 'function' ? [undefined, options] : [options, callback];
  // Node's own complains.
  if (typeof done !== 'function') return nodes(path, options, callback);
  nodes(path, given, ((error, resolved) => {
    const isNowhere = error?.code === 'ENOENT' && /\/fd\/(pipe|socket):\[\d+\]$/.test(error.path ?? '');
    if (isNowhere) [error, resolved] = resolvedAtOnce(path, given);
    (done as Callback)(error, resolved);
  }) satisfies Callback);
}

function resolvedAtOnce(path: unknown, options: unknown): Parameters<Callback> {
  try {
    return [null, nodeFs.realpathSync(path as string, options as BufferEncoding)];
  } catch (error) {
    return [error as NodeJS.ErrnoException];
  }
}

Object.assign(likeNodes(realpath, nodes), { native: nodeFs.realpath.native });

export { realpath };
