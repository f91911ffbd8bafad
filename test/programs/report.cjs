// Preloaded behind ringcore/register: what the ring of each thread and process did, a line each, for the test.
'use strict';
const { appendFileSync } = require('node:fs');
const { backend, stats } = require('ringcore/core');

process.once('exit', () => {
  const operations = backend.name === 'io_uring' ? stats().operations : {};
  appendFileSync(process.env.RINGCORE_REPORT, `${JSON.stringify({ backend, operations })}\n`);
});
