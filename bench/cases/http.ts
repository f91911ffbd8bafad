import { serverCase } from '../harness/server_case.js';
import type { Case } from '../harness/types.js';

export const httpCases: Case[] = [1, 64].map((connections) =>
  serverCase({
    name: `http-hello-${connections}`,
    what: `http.createServer over the sockets under test, hello, kept-alive connections: ${connections}`,
    target: { kind: 'ratio', byMajor: connections === 1 ? { 20: 1.4, 26: 1.4 } : { 20: 1.5, 26: 1.25 } },
    mode: 'http',
    load: { mode: 'http', connections },
  }),
);
