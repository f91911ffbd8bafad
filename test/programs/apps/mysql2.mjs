// A MariaDB client, alone and in a pool. `mysql2.mjs PORT`
import { setTimeout as delay } from 'node:timers/promises';
import mysql from 'mysql2/promise';
import { fact, failure, goneInTheMiddle, hashOf, pattern, portOf, refusedPort } from './facts.mjs';

const at = { host: '127.0.0.1', port: Number(process.argv[2]), user: 'root' };
const large = pattern(16_000_000);
const connection = await mysql.createConnection(at);
const query = async (...args) => (await connection.query(...args))[0];

await query('DROP DATABASE IF EXISTS test');
await query('CREATE DATABASE test CHARACTER SET utf8mb4');
await query('USE test');
await query(
  'CREATE TABLE things (id int AUTO_INCREMENT PRIMARY KEY, name text, made datetime(3), data longblob) ENGINE=InnoDB',
);
const inserted = await query('INSERT INTO things (name, made) VALUES (?, ?)', [
  'ä',
  '2026-01-02 03:04:05.678',
]);
fact('inserted', [inserted.insertId, inserted.affectedRows]);
fact('selected', await query({ sql: 'SELECT id, name, made, data FROM things', dateStrings: true }));
await connection.execute('UPDATE things SET data = ?', [large]);
fact('large', hashOf((await query('SELECT data FROM things'))[0].data) === hashOf(large));
const rows = await query("SELECT seq AS n, repeat('x', 100) AS text FROM seq_1_to_50000");
fact('rows', rows.length === 50_000 && rows.every(({ n }, index) => Number(n) === index + 1));
const prepared = [];
for (const n of [1, 2, 3]) prepared.push((await connection.execute('SELECT ? * 2 AS n', [n]))[0]);
fact('prepared', prepared.flat());
// Row by row, slower than they come.
let streamed = 0;
const stream = connection.connection.query('SELECT seq FROM seq_1_to_20000').stream({ highWaterMark: 10 });
for await (const { seq } of stream) {
  streamed += Number(seq) === streamed + 1;
  if (streamed % 1000 === 0) await delay(1);
}
fact('streamed', streamed);

await connection.beginTransaction();
await query("INSERT INTO things (name) VALUES ('gone')");
fact('error', await failure(connection.query('SELECT nonsense')));
await connection.rollback();
fact('rolled back', await query('SELECT count(*) AS n FROM things'));

const pool = mysql.createPool({ ...at, database: 'test', connectionLimit: 20 });
const answers = await Promise.all(
  Array.from({ length: 500 }, async (_, i) => (await pool.query('SELECT ? AS n', [i]))[0][0].n),
);
fact(
  'pool',
  answers.every((n, i) => Number(n) === i),
);
const together = await Promise.all(
  Array.from({ length: 20 }, () => pool.query('SELECT sleep(0.05), connection_id() AS id')),
);
fact('sockets', new Set(together.map(([[{ id }]]) => id)).size);

// The server ends this connection while it waits for an answer.
const doomed = await mysql.createConnection(at);
const errors = [];
doomed.on('error', (error) => errors.push(error.code));
const waiting = failure(doomed.query('SELECT sleep(60)'));
const sleeping = 'SELECT 1 FROM information_schema.processlist WHERE id = ? AND info LIKE ?';
while ((await query(sleeping, [doomed.threadId, 'SELECT sleep%'])).length === 0) await delay(10);
await query(`KILL CONNECTION ${doomed.threadId}`);
fact('killed', { failure: await waiting, errors });

fact('refused', await failure(mysql.createConnection({ ...at, port: refusedPort })));
const gone = await goneInTheMiddle();
// A MariaDB server speaks first.
gone.on('connection', (socket) => socket.end());
fact('gone', await failure(mysql.createConnection({ ...at, port: portOf(gone) })));
gone.close();

await query('DROP DATABASE test');
await pool.end();
await connection.end();
fact('after the end', (await failure(connection.query('SELECT 1'))).message);
