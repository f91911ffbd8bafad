// nodemailer to a local SMTP server, in the clear, with STARTTLS, and over TLS.
import { once } from 'node:events';
import { createReadStream, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import nodemailer from 'nodemailer';
import { SMTPServer } from 'smtp-server';
import { fact, failure, goneInTheMiddle, hashOf, pattern, portOf, refusedPort } from './facts.mjs';

const [directory] = process.argv.slice(2);
const attachment = join(directory, 'attachment');
const large = pattern(8_000_000);
writeFileSync(attachment, large);

function attachedIn(message) {
  const [, headers, body] =
    /\r\n(Content-Type: application\/octet-stream[^]*?)\r\n\r\n([^]*?)\r\n--/.exec(message) ?? [];
  return headers && hashOf(Buffer.from(body, 'base64'));
}

async function listen(options) {
  const received = [];
  const server = new SMTPServer({
    onAuth({ username, password }, _session, done) {
      if (username === 'user' && password === 'secret') done(null, { user: username });
      else done(new Error('who?'));
    },
    onRcptTo({ address }, _session, done) {
      if (address.startsWith('nobody')) done(Object.assign(new Error('no such user'), { responseCode: 550 }));
      else done();
    },
    logger: false,
    async onData(stream, session, done) {
      const message = Buffer.concat(await stream.toArray()).toString();
      const { mailFrom, rcptTo } = session.envelope;
      received.push({
        from: mailFrom.address,
        to: rcptTo.map(({ address }) => address),
        secure: session.secure,
        subject: /^Subject: (.*)\r$/m.exec(message)?.[1],
        attached: attachedIn(message) === hashOf(large),
      });
      done(null, 'taken');
    },
    ...options,
  });
  server.on('error', () => {});
  server.listen(0, '127.0.0.1');
  await once(server.server, 'listening');
  return { server, received, port: portOf(server.server) };
}

const mail = {
  from: 'a@example.org',
  to: ['b@example.org', 'c@example.org'],
  subject: 'hello',
  text: 'a text',
};
const auth = { user: 'user', pass: 'secret' };
const tls = { rejectUnauthorized: false };

for (const [name, serverOptions, clientOptions] of [
  ['clear', { disabledCommands: ['STARTTLS'], allowInsecureAuth: true }, {}],
  ['STARTTLS', {}, { requireTLS: true, tls }],
  ['TLS', { secure: true }, { secure: true, tls }],
]) {
  const { server, received, port } = await listen(serverOptions);
  const common = { host: '127.0.0.1', port, auth, ...clientOptions };
  const single = nodemailer.createTransport(common);
  const { accepted, rejected, response } = await single.sendMail(mail);
  fact(`${name} sent`, { accepted, rejected, response });
  await single.sendMail({
    ...mail,
    attachments: [{ filename: 'a.bin', content: createReadStream(attachment) }],
  });
  fact(`${name} nobody`, await failure(single.sendMail({ ...mail, to: 'nobody@example.org' })));
  const wrong = nodemailer.createTransport({ ...common, auth: { user: 'user', pass: 'wrong' } });
  fact(`${name} wrong password`, await failure(wrong.sendMail(mail)));

  const pool = nodemailer.createTransport({ ...common, pool: true, maxConnections: 5 });
  await Promise.all(Array.from({ length: 40 }, (_, i) => pool.sendMail({ ...mail, subject: `mail ${i}` })));
  pool.close();
  fact(`${name} received`, received.slice(0, 2));
  fact(`${name} pool`, new Set(received.slice(2).map(({ subject }) => subject)).size);
  await new Promise((resolve) => server.close(resolve));
  fact(`${name} refused`, (await failure(single.sendMail(mail))).code);
}

const refused = nodemailer.createTransport({ host: '127.0.0.1', port: refusedPort });
fact('refused', await failure(refused.sendMail(mail)));
// It ends the connection at EHLO.
const gone = await goneInTheMiddle();
gone.on('connection', (socket) => socket.write('220 hello\r\n'));
const hungUp = nodemailer.createTransport({ host: '127.0.0.1', port: portOf(gone) });
fact('gone', await failure(hungUp.sendMail(mail)));
gone.close();
