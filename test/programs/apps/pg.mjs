// A PostgreSQL client, alone and in a pool. `pg.mjs PORT`
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { fact, failure, goneInTheMiddle, hashOf, pattern, portOf, refusedPort } from './facts.mjs';

const at = { host: '127.0.0.1', port: Number(process.argv[2]), user: 'postgres', database: 'postgres' };
const large = pattern(16_000_000);
const client = new pg.Client(at);
const query = async (...args) => (await client.query(...args)).rows;
await client.connect();

await client.query('DROP TABLE IF EXISTS things');
await client.query(
  'CREATE TABLE things (id serial PRIMARY KEY, name text, data jsonb, made timestamptz, raw bytea)',
);
const made = new Date('2026-01-02T03:04:05.678Z');
const inserted = await query(
  'INSERT INTO things (name, data, made, raw) VALUES ($1, $2, $3, $4) RETURNING id, name, data, made, raw IS NULL AS empty',
  ['ä', { list: [1, 'two', null] }, made, null],
);
fact('inserted', inserted);
await query('UPDATE things SET raw = $1 WHERE id = $2', [large, inserted[0].id]);
fact('large', hashOf((await query('SELECT raw FROM things'))[0].raw) === hashOf(large));
const rows = await query("SELECT n, repeat('x', 100) AS text FROM generate_series(1, 50000) n");
fact('rows', rows.length === 50_000 && rows.every(({ n }, index) => n === index + 1));
const prepared = [];
for (const n of [1, 2, 3])
  prepared.push(await query({ name: 'twice', text: 'SELECT $1::int * 2 AS n', values: [n] }));
fact('prepared', prepared.flat());

await client.query('BEGIN');
await client.query("INSERT INTO things (name) VALUES ('gone')");
const { code, severity, message, position } = await client.query('SELECT nonsense').catch((error) => error);
fact('error', { code, severity, message, position });
await client.query('ROLLBACK');
fact('rolled back', await query('SELECT count(*)::int FROM things'));

const listener = new pg.Client(at);
await listener.connect();
await listener.query('LISTEN news');
const notified = new Promise((resolve) => listener.once('notification', resolve));
await client.query("NOTIFY news, 'extra'");
fact('notified', (await notified).payload);

const pool = new pg.Pool({ ...at, max: 20 });
const answers = await Promise.all(
  Array.from({ length: 500 }, async (_, i) => (await pool.query('SELECT $1::int AS n', [i])).rows[0].n),
);
fact('pool', [answers.every((n, i) => n === i), pool.totalCount]);
// Its own socket each, and queries that overlap.
const together = await Promise.all(
  Array.from({ length: 20 }, () => pool.query('SELECT pg_sleep(0.05), pg_backend_pid() AS pid')),
);
fact('sockets', new Set(together.map(({ rows: [{ pid }] }) => pid)).size);

// The server ends this connection while it waits for an answer.
const errors = [];
const doomed = new pg.Client(at);
doomed.on('error', (error) => errors.push(error.message));
const ended = new Promise((resolve) => doomed.on('end', resolve));
await doomed.connect();
const { pid } = (await doomed.query('SELECT pg_backend_pid() AS pid')).rows[0];
const waiting = failure(doomed.query('SELECT pg_sleep(60)'));
while (
  (await query("SELECT 1 FROM pg_stat_activity WHERE pid = $1 AND state = 'active'", [pid])).length === 0
) {
  await delay(10);
}
await query('SELECT pg_terminate_backend($1)', [pid]);
const { code: killed, message: why } = await waiting;
await ended;
fact('terminated', { killed, why, errors });

fact('refused', await failure(new pg.Client({ ...at, port: refusedPort }).connect()));
const gone = await goneInTheMiddle();
fact('gone', await failure(new pg.Client({ ...at, port: portOf(gone) }).connect()));
gone.close();

await client.query('DROP TABLE things');
await Promise.all([listener.end(), pool.end()]);
await client.end();
fact('after the end', (await failure(client.query('SELECT 1'))).message);
