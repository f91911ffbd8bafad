// From the target of a request to a file below the directory that is served, and to no other.
import { join, sep } from 'node:path';
import { realpath, stat } from 'ringcore';

/** An answer that is not a file. */
export class HttpError extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly headers: Record<string, string> = {},
  ) {
    super(message);
  }
}

/** `['a', 'b c']` of `/a//b%20c?d`: decoded one by one, so that an encoded slash does not become one that divides. */
export function segmentsOf(target: string): string[] {
  // The absolute form, `GET http://host/path`, is for proxies, and every server has to take it.
  const [path = ''] = target.replace(/^https?:\/\/[^/?#]*/i, '').split(/[?#]/, 1);
  let segments: string[];
  try {
    segments = path.split('/').map(decodeURIComponent);
  } catch {
    throw new HttpError(400, 'the path is not percent-encoded');
  }
  if (segments.some((segment) => segment === '..' || /[/\0]/.test(segment))) {
    throw new HttpError(403, 'the path leads elsewhere');
  }
  return segments.filter((segment) => segment !== '' && segment !== '.');
}

/**
 * The real path of the file that `target` means. `root` is a real path too. A symbolic link may lead to anywhere in
 * it, and not out of it.
 */
export async function resolveTarget(root: string, target: string): Promise<string> {
  const segments = segmentsOf(target);
  const inside = async (path: string): Promise<string> => {
    const real = await realpath(path);
    if (real !== root && !real.startsWith(root.endsWith(sep) ? root : root + sep)) {
      throw new HttpError(403, 'the path leads elsewhere');
    }
    return real;
  };
  let path = await inside(join(root, ...segments));
  let status = await stat(path);
  const asDirectory = /^[^?#]*\/(?:[?#]|$)/.test(target) || segments.length === 0;
  if (status.isDirectory()) {
    if (!asDirectory) {
      // Relative links of the page would lead astray without the slash at the end.
      const location = `/${segments.map(encodeURIComponent).join('/')}/`;
      throw new HttpError(301, `it is at ${location}`, { location });
    }
    path = await inside(join(path, 'index.html'));
    status = await stat(path);
  } else if (asDirectory) {
    throw new HttpError(404, 'not found');
  }
  // Opening a FIFO waits for a writer, and reading a device may never end.
  if (!status.isFile()) throw new HttpError(403, 'not a file');
  return path;
}
