// When the process ends, and on which backend.
import t from 'tap';
import { run } from './support.js';

const preamble = `import net from 'ringcore/net'; import { backend } from 'ringcore/core';
const began = performance.now(); process.on('exit', () => console.log('exit', Math.round(performance.now() - began)));\n`;

for (const RINGCORE_BACKEND of ['io_uring', 'node']) {
  t.test(`on ${RINGCORE_BACKEND}`, async (t) => {
    const env = { RINGCORE_BACKEND };
    const ends = async (name: string, source: string, pattern: RegExp): Promise<void> => {
      const { code, stdout, stderr } = await run(preamble + source, env);
      t.equal(code, 0, `${name}: exit code ${stderr}`);
      t.match(stdout, pattern, name);
    };

    await ends('names itself', `console.log(backend.name);`, new RegExp(`^${RINGCORE_BACKEND}\n`));
    await ends(
      'echo and for await',
      `
      const server = net.createServer().listen(0);
      const socket = net.connect({ port: server.address().port, host: '127.0.0.1' });
      socket.end('ping');
      for await (const peer of server) { peer.pipe(peer); break; }
      let text = ''; for await (const chunk of socket) text += chunk;
      server.close(() => console.log(text, 'closed'));`,
      /^ping closed\nexit \d+/,
    );
    await ends(
      "an unref'd listening server does not hold the process",
      `net.createServer().listen(0).unref();`,
      /^exit \d{1,3}\n/,
    );
    await ends(
      'a listening server holds it until closed',
      `const server = net.createServer().listen(0); setTimeout(() => server.close(), 300).unref();`,
      /^exit [3-9]\d\d\n/,
    );
    await ends(
      "an open socket holds it, an unref'd one does not",
      `
      const server = net.createServer((peer) => peer.unref()).listen(0); server.unref();
      const socket = net.connect(server.address().port, '127.0.0.1');
      socket.on('connect', () => setTimeout(() => { console.log('still here'); socket.unref(); }, 200).unref());`,
      /^still here\nexit \d+/,
    );
    await ends(
      "a socket that connects again holds it, though the connection before was unref'd",
      `
      const server = net.createServer((peer) => { peer.unref(); setTimeout(() => peer.end('reply'), 200).unref(); });
      server.listen(0).unref();
      const { port } = server.address();
      const socket = net.connect(port, '127.0.0.1', () => socket.unref().destroy());
      socket.once('close', () => socket.connect(port, '127.0.0.1').on('data', (data) => console.log(String(data))));`,
      /^reply\nexit \d+/,
    );
    await ends(
      "what is being sent holds it, and so does a connect, though the socket is unref'd",
      `
      const server = net.createServer((peer) => {
        peer.unref().on('data', () => { peer.pause(); setTimeout(() => peer.resume(), 1).unref(); });
      });
      server.listen(0).unref();
      const socket = net.connect(server.address().port, '127.0.0.1').unref();
      socket.on('connect', () => socket.unref().write(Buffer.alloc(2e7), () => console.log('written')));`,
      /^written\nexit \d+/,
    );
    await ends(
      'a socket timeout alone does not hold it',
      `
      const server = net.createServer((peer) => peer.unref()).listen(0); server.unref();
      const socket = net.connect(server.address().port, '127.0.0.1', () => { socket.setTimeout(60000); socket.unref(); });`,
      /^exit \d{1,3}\n/,
    );
    await ends(
      'process.exit with connections open',
      `
      const server = net.createServer((peer) => peer.pipe(peer)).listen(0);
      for (let i = 0; i < 50; i++) net.connect(server.address().port, '127.0.0.1', function () { this.write('x'.repeat(100000)); });
      setTimeout(() => process.exit(0), 100);`,
      /^exit \d+\n/,
    );
    await ends(
      'what is written just before process.exit has gone',
      `
      const { spawn } = await import('node:child_process');
      const server = net.createServer((peer) => {
        let text = ''; peer.on('data', (c) => text += c).on('close', () => { console.log(text); server.close(); }).on('error', () => {});
      }).listen(0);
      spawn(process.execPath, ['--input-type=module', '-e',
        "import net from 'ringcore/net'; const s = net.connect(" + server.address().port + ", '127.0.0.1', () => { s.write('bye'); process.exit(0); });"],
        { stdio: 'inherit' });`,
      /^bye\nexit/,
    );
  });
}
