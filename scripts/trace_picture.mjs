// A trace (RINGCORE_TRACE) as a picture: node scripts/trace_picture.mjs TRACE.json [COUNT] > PICTURE.svg
// The phases of the event loop with what lies in them, the operations (the last COUNT of them) in as many lanes as they
// need, and how many are in flight. For a few milliseconds: for more there is ui.perfetto.dev.
import { readFileSync } from 'node:fs';
import process from 'node:process';

const width = 1000;
const left = 90;
const laneHeight = 22;
const colours = {
  prepare: '#cfd8dc',
  poll: '#eceff1',
  check: '#cfd8dc',
  enter: '#ef6c00',
  reap: '#fbc02d',
  batch: '#2e7d32',
  spin: '#90a4ae',
};
const depths = { prepare: 0, poll: 0, check: 0, enter: 1, spin: 1, reap: 1, batch: 1 };

const events = JSON.parse(readFileSync(process.argv[2], 'utf8')).filter(({ tid }) => tid === 0);
const operations = [];
const open = new Map();
for (const { ph, id, name, ts, args } of events.filter(({ cat }) => cat === 'operation')) {
  if (ph === 'b') {
    open.set(id, { name, begin: ts, subject: args.path ?? (args.fd === undefined ? '' : `fd ${args.fd}`) });
    operations.push(open.get(id));
  } else if (ph === 'e') {
    Object.assign(open.get(id), { end: ts, result: args.error ?? args.result });
  }
}
const complete = operations.filter(({ end }) => end !== undefined).slice(-Number(process.argv[3] ?? 0));
const begin = Math.min(...complete.map((operation) => operation.begin));
const end = Math.max(...complete.map((operation) => operation.end));
const margin = (end - begin) * 0.03;
const [from, to] = [begin - margin, end + margin * 4];
const x = (ts) => left + ((Math.min(Math.max(ts, from), to) - from) / (to - from)) * (width - left - 10);

const escape = (text) => text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
const lines = [];
const title = (text) => `<title>${escape(text)}</title>`;

function box(start, stop, y, height, fill, label, hover) {
  const [x1, x2] = [x(start), x(stop)];
  const size = Math.max(x2 - x1, 1);
  lines.push(
    `<g><rect x="${x1.toFixed(1)}" y="${y}" width="${size.toFixed(1)}" height="${height}" fill="${fill}" rx="2"/>${title(hover)}`,
  );
  const room = Math.floor(size / 6);
  if (room >= 3) {
    const text = label.length > room ? `${label.slice(0, room - 1)}…` : label;
    lines.push(`<text x="${(x1 + 3).toFixed(1)}" y="${y + height - 6}">${escape(text)}</text>`);
  }
  lines.push('</g>');
}

const heading = (text, y) => lines.push(`<text x="4" y="${y}" class="h">${text}</text>`);

let y = 30;
heading('event loop', y + 15);
heading('in it', y + laneHeight + 15);
for (const { name, ts, dur, args } of events.filter(({ ph }) => ph === 'X')) {
  const depth = depths[name] ?? 1;
  if (ts + dur < from || ts > to) continue;
  const told = Object.entries(args ?? {}).map(([key, value]) => `${key} ${value}`);
  const count = name === 'enter' ? ` ${args.submitted}→${args.completions}` : '';
  const label = name === 'batch' ? `batch ${args.completions}` : name + count;
  const hover = `${name}, ${dur.toFixed(1)} us${told.length > 0 ? `: ${told.join(', ')}` : ''}`;
  box(ts, ts + dur, y + depth * laneHeight, laneHeight - 3, colours[name] ?? '#90a4ae', label, hover);
}

y += 2 * laneHeight + 12;
heading('operations', y + 15);
const lanes = [];
for (const { name, subject, begin, end, result } of complete) {
  let lane = lanes.findIndex((free) => free <= begin);
  if (lane < 0) lane = lanes.push(0) - 1;
  lanes[lane] = end;
  const hover = `${name} ${subject}, ${(end - begin).toFixed(1)} us: ${result}`;
  box(begin, end, y + lane * laneHeight, laneHeight - 3, '#90caf9', `${name} ${subject}`, hover);
}

y += lanes.length * laneHeight + 12;
const counters = events
  .filter(({ ph, ts }) => ph === 'C' && ts >= from && ts <= to)
  .map(({ ts, args }) => [ts, args.operations]);
const most = Math.max(1, ...counters.map(([, count]) => count));
const height = 40;
heading('in flight', y + height / 2 + 4);
let path = '';
let last = 0;
for (const [ts, count] of counters) {
  const at = (value) => (y + height - (value / most) * height).toFixed(1);
  path += `${path === '' ? 'M' : 'L'}${x(ts).toFixed(1)} ${at(last)}L${x(ts).toFixed(1)} ${at(count)}`;
  last = count;
}
lines.push(
  `<path d="${path}" fill="none" stroke="#1565c0"/><text x="${width - 24}" y="${y + 10}">${most}</text>`,
);

y += height + 20;
const step =
  [10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000].find((us) => (to - from) / us <= 12) ?? 50_000;
for (let us = 0; begin + us < to; us += step) {
  const at = x(begin + us).toFixed(1);
  lines.push(`<path d="M${at} 24V${y - 14}" stroke="#0002"/><text x="${at}" y="18">${us} us</text>`);
}

process.stdout.write(
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${y}" font-family="sans-serif" font-size="11">
<style>.h { font-weight: bold; }</style>
<rect width="100%" height="100%" fill="white"/>
${lines.join('\n')}
</svg>
`,
);
