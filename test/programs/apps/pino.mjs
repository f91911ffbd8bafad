// pino into files: on this thread, at once and later, and in a worker thread. `pino.mjs DIRECTORY`
import { once } from 'node:events';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import pino from 'pino';
import { fact } from './facts.mjs';

const [directory] = process.argv.slice(2);
const plain = { base: null, timestamp: false };
const lines = (log, count, from = 0) => {
  for (let n = from; n < from + count; n++) log.info({ n, text: 'ä'.repeat(n % 50) }, 'a line');
};

const later = pino.destination({ dest: join(directory, 'later'), sync: false, minLength: 4096 });
await once(later, 'ready');
lines(pino(plain, later), 20_000);
// A log file that is rotated meanwhile.
await new Promise((resolve, reject) => later.flush((error) => (error ? reject(error) : resolve())));
await rename(join(directory, 'later'), join(directory, 'later.1'));
later.reopen();
await once(later, 'ready');
lines(pino(plain, later), 1000, 20_000);
later.end();
await once(later, 'close');

const atOnce = pino.destination({ dest: join(directory, 'made/at once'), mkdir: true, sync: true });
lines(pino(plain, atOnce), 2000);
atOnce.end();

const transport = pino.transport({
  targets: [
    { target: 'pino/file', options: { destination: join(directory, 'worker') } },
    { target: 'pino/file', level: 'error', options: { destination: join(directory, 'errors') } },
  ],
});
const log = pino(plain, transport);
lines(log, 5000);
log.error(Object.assign(new Error('of a worker'), { stack: undefined }), 'an error');
// Its worker thread does not keep the process alive.
const waiting = setInterval(() => {}, 1000);
transport.end();
await once(transport, 'close');
clearInterval(waiting);
fact('written', true);
