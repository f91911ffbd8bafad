/** hello, by a web framework out of the packages of test/programs; ringcore is not named: it is registered, or not. */
import { createRequire } from 'node:module';
import type { AddressInfo, Server } from 'node:net';
import { spec, tell } from './protocol.js';
import { reportWhenAsked } from './report.js';

// From build/bench/workers.
const programs = createRequire(new URL('../../../test/programs/package.json', import.meta.url));
const hello = 'hello world\n';
const at = { port: 0, host: '127.0.0.1', backlog: 4096 };

interface Express {
  (): {
    get(path: string, handler: (request: unknown, response: { send(text: string): void }) => void): void;
    (request: unknown, response: unknown): void;
  };
}
type Fastify = () => {
  get(path: string, handler: () => Promise<string>): void;
  listen(where: typeof at): Promise<string>;
  server: Server;
};

const frameworks: Record<string, () => Promise<Server>> = {
  async express() {
    const app = (programs('express') as Express)();
    app.get('/', (_request, response) => response.send(hello));
    const { createServer } = await import('node:http');
    const server = createServer(app);
    await new Promise<void>((resolve) => server.listen(at, resolve));
    return server;
  },
  async fastify() {
    const app = (programs('fastify') as Fastify)();
    app.get('/', async () => hello);
    await app.listen(at);
    return app.server;
  },
};

try {
  const server = await frameworks[spec.mode ?? '']!();
  reportWhenAsked();
  tell({ type: 'ready', port: (server.address() as AddressInfo).port });
} catch (error) {
  const { code } = error as NodeJS.ErrnoException;
  if (code !== 'MODULE_NOT_FOUND') throw error;
  tell({ type: 'unavailable', reason: 'its packages are not there: `npm ci` in test/programs' });
}
