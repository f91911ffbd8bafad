// Conditional requests (RFC 9110, section 13): has the client this version already, is it the one that it means.
import type { IncomingHttpHeaders } from 'node:http';

/** What a version of a file is known by. */
export interface Version {
  etag: string;
  /** Milliseconds since 1970, of whole seconds: a date in a header has no more. */
  modifiedMs: number;
}

export function versionOf({ size, mtimeNs }: { size: bigint; mtimeNs: bigint }): Version {
  return {
    // To the nanosecond: who writes the same number of bytes in the same second makes another version all the same.
    etag: `"${size.toString(36)}-${mtimeNs.toString(36)}"`,
    modifiedMs: Number(mtimeNs / 1_000_000_000n) * 1000,
  };
}

/** Whether a list of entity tags has this one. A weak one is as good where the comparison is weak. */
function lists(header: string, etag: string, weak: boolean): boolean {
  if (header.trim() === '*') return true;
  const tags = header.match(/(?:W\/)?"[^"]*"/g) ?? [];
  return tags.some((tag) => (weak ? tag.replace(/^W\//, '') : tag) === etag);
}

/**
 * 304 (not modified), 412 (precondition failed), or undefined: answer as if nothing had been asked. Entity tags come
 * before dates, which are ignored where they are none: a comparison with NaN is false.
 */
export function precondition(headers: IncomingHttpHeaders, version: Version): 304 | 412 | undefined {
  const { etag, modifiedMs } = version;
  const ifMatch = headers['if-match'];
  if (ifMatch !== undefined) {
    if (!lists(ifMatch, etag, false)) return 412;
  } else if (modifiedMs > Date.parse(headers['if-unmodified-since'] ?? '')) {
    return 412;
  }
  const ifNoneMatch = headers['if-none-match'];
  if (ifNoneMatch !== undefined) return lists(ifNoneMatch, etag, true) ? 304 : undefined;
  return modifiedMs <= Date.parse(headers['if-modified-since'] ?? '') ? 304 : undefined;
}

/** If-Range: a part is of use only if it is one of the version that the client has the rest of. */
export function rangeApplies(ifRange: string | undefined, { etag, modifiedMs }: Version): boolean {
  return ifRange === undefined || ifRange === etag || Date.parse(ifRange) === modifiedMs;
}
