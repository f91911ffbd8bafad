// Web servers under ringcore/register: express and fastify, as on plain node.
import { mkdirSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { hashOf, pattern } from '../shared/bytes.js';
import { compare, install } from './support.js';
import { browse } from './web.js';

const skip = install();

/** A site's files, with a time that does not change: ETags are made of it. */
function makeSite(t: Test, large: Buffer): string {
  const directory = t.testdir({
    site: {
      'page.html': '<!doctype html><title>page</title>\n',
      'style.css': 'body { margin: 0 }\n'.repeat(5000),
      'large.bin': large,
    },
  });
  const changed = new Date('2026-01-01T00:00:00Z');
  for (const name of ['page.html', 'style.css', 'large.bin']) {
    utimesSync(join(directory, 'site', name), changed, changed);
  }
  return directory;
}

const ring = ['acceptMultishot', 'recvMultishot', 'send', 'close'];

for (const [name, by] of [
  ['express', 'import'],
  ['fastify', 'require'],
] as const) {
  t.test(name, { skip }, async (t) => {
    const large = pattern(16_000_000);
    const directory = makeSite(t, large);
    const uploads = join(directory, 'uploads');
    mkdirSync(uploads);
    await compare(t, `${name}.mjs`, {
      by,
      ring,
      args: [join(directory, 'site'), uploads],
      drive: async (program) => {
        const found = await browse(program, { large });
        t.match(found, {
          page: { status: 200 },
          unchanged: { status: 304 },
          part: { status: 206, body: hashOf(large.subarray(1_000_000, 2_000_000)) },
          'beyond the end': { status: 416 },
          missing: { status: 404 },
          zipped: { status: 200, headers: { 'content-encoding': 'gzip' } },
          'not json': { status: 400 },
          'too large': { status: 413 },
          fails: { status: 500 },
          sent: { body: hashOf(large) },
          streamed: { body: hashOf(large) },
          keptAlive: { bodies: ['hello'], connections: 1 },
          manyAtOnce: ['own,own,own,own,own'],
          uploads: Array.from({ length: 8 }, () => '200 whole'),
          afterClients: 'hello',
          end: { status: 200, body: 'slow but whole', refused: 'ECONNREFUSED' },
        });
        return found;
      },
    });
  });
}
