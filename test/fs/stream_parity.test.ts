// What programs see of a ReadStream is what they see of node's: random sizes, places, high water marks and encodings,
// for readers that pause, wait, or are slow.
import nodeFs from 'node:fs';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { finished, pipeline } from 'node:stream/promises';
import { setImmediate as turn } from 'node:timers/promises';
import fs from 'ringcore/fs';
import t from 'tap';
import { descriptors, pattern, settledDescriptors } from './helpers.js';

const dir = t.testdir();
const source = join(dir, 'source');

/** The same numbers in each run: a linear congruential generator. */
function randomNumbers(seed: number): (below: number) => number {
  return (below) => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((seed / 2 ** 32) * below);
  };
}

type Chunk = Buffer | string;
/** Takes everything that comes; `random` decides when it pauses. */
type Consumer = (stream: nodeFs.ReadStream, random: (below: number) => number) => Promise<Chunk[]>;

const consumers: Record<string, Consumer> = {
  async listens(stream) {
    const chunks: Chunk[] = [];
    stream.on('data', (chunk) => chunks.push(chunk));
    await finished(stream);
    return chunks;
  },
  async pauses(stream, random) {
    const chunks: Chunk[] = [];
    stream.on('data', (chunk) => {
      chunks.push(chunk);
      const choice = random(5);
      if (choice > 2) return;
      stream.pause();
      if (choice === 0) setImmediate(() => stream.resume());
      else if (choice === 1) process.nextTick(() => stream.resume());
      else setTimeout(() => stream.resume(), 1);
    });
    await finished(stream);
    return chunks;
  },
  async iterates(stream, random) {
    const chunks: Chunk[] = [];
    for await (const chunk of stream) {
      chunks.push(chunk as Chunk);
      if (random(3) === 0) await turn();
    }
    return chunks;
  },
  async isSlow(stream) {
    const chunks: Chunk[] = [];
    const slow = new Writable({
      decodeStrings: false,
      write(chunk: Chunk, _encoding, done) {
        chunks.push(chunk);
        setImmediate(done);
      },
    });
    await pipeline(stream, slow);
    return chunks;
  },
};

const joined = (chunks: Chunk[]): Buffer => Buffer.concat(chunks.map((chunk) => Buffer.from(chunk)));

t.test('random streams', async (t) => {
  const before = descriptors();
  const random = randomNumbers(6);
  const sizes = [1, 1000, 65_535, 65_536, 65_537, 131_072, 300_000, 700_001, 1_500_000];
  const marks = [1, 100, 4096, 16_384, 65_536, 65_537, 200_000, 1_000_000];
  for (let round = 0; round < 120; round++) {
    const size = round % 3 === 0 ? random(600_000) : sizes[random(sizes.length)]!;
    // Few chunks a stream: each takes node some turns of the event loop.
    const fitting = marks.filter((mark) => size / mark <= 200);
    nodeFs.writeFileSync(source, pattern(size));
    const start = random(2) === 0 ? undefined : random(size);
    const options = {
      highWaterMark: random(2) === 0 ? undefined : fitting[random(fitting.length)],
      start,
      end: random(3) === 0 ? (start ?? 0) + random(size) : undefined,
      encoding: (['hex', 'utf8', 'base64', undefined, undefined, undefined] as const)[random(6)],
    };
    const name = Object.keys(consumers)[random(4)]!;
    const seed = random(1_000_000);
    const run = async (module: typeof nodeFs): Promise<unknown[]> => {
      const stream = module.createReadStream(source, options);
      const chunks = await consumers[name]!(stream, randomNumbers(seed));
      const { pos } = stream as unknown as { pos: unknown };
      return [
        joined(chunks),
        chunks.map(({ length }) => length),
        stream.bytesRead,
        pos,
        stream.readableEnded,
      ];
    };
    const [content, ...facts] = await run(fs);
    const [expected, ...expectedFacts] = await run(nodeFs);
    const what = `${round}: ${name}, ${size} bytes, ${JSON.stringify(options)}`;
    t.ok((content as Buffer).equals(expected as Buffer), what);
    t.same(facts, expectedFacts, `${what}: chunks and counts`);
  }
  t.equal(await settledDescriptors(before), before);
});

t.test('between two chunks everything else has its turn', async (t) => {
  const data = pattern(1_000_000);
  nodeFs.writeFileSync(source, data);
  for (const way of ['tick', 'promise', 'both'] as const) {
    const stream = fs.createReadStream(source);
    let atOnce = 0;
    let inTick = false;
    let bytes = 0;
    const soon: Record<typeof way, (then: () => void) => void> = {
      tick: (then) => process.nextTick(then),
      promise: (then) => void Promise.resolve().then(then),
      both: (then) => process.nextTick(() => void Promise.resolve().then(() => process.nextTick(then))),
    };
    stream.on('data', (chunk) => {
      bytes += chunk.length;
      if (inTick) atOnce++;
      inTick = true;
      soon[way](() => (inTick = false));
    });
    await finished(stream);
    t.equal(bytes, data.length);
    t.equal(atOnce, 0, `a ${way} is not overtaken`);
  }
});

t.test('what a program leaves in a chunk stays there', async (t) => {
  const data = pattern(3_000_000);
  nodeFs.writeFileSync(source, data);
  const written: Buffer[] = [];
  for await (const chunk of fs.createReadStream(source)) {
    written.push((chunk as Buffer).fill(written.length));
    await turn();
  }
  const untouched = (): boolean =>
    written.every((chunk, index) => chunk.every((byte: number) => byte === (index & 0xff)));
  t.ok(untouched());
  t.ok((await fs.createReadStream(source).toArray()).length > 0);
  t.ok(untouched(), 'also when the next stream is read');
});
