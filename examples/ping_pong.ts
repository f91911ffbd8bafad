// Two ends of a socket pair throw a message to and fro: each operation awaited, then pairs of them linked.
import { chain, ChainError, close, constants, recv, send, shutdown, stats } from 'ringcore/core';
import { parseArgs } from 'node:util';
import { run } from './support/run.js';
import { socketPair } from './support/socket_pair.js';

/** With it a transfer is complete or the last one: without, a stream may give a message in pieces. */
const all = { msgFlags: constants.MSG_WAITALL };

/** How the one who begins makes a round: sends `ball`, and has it `back`. False: the other end has left. */
type Ping = (fd: number, ball: Buffer, back: Buffer) => Promise<boolean>;
/** How the other one does. False: there are no more rounds. */
type Pong = (fd: number, ball: Buffer) => Promise<boolean>;

const pingAwaited: Ping = async (fd, ball, back) => {
  await send(fd, ball, all);
  return (await recv(fd, back, all)) === back.length;
};

const pongAwaited: Pong = async (fd, ball) => {
  if ((await recv(fd, ball, all)) < ball.length) return false;
  await send(fd, ball, all);
  return true;
};

/** The kernel receives when it has sent: no way back to JavaScript in between. */
const pingLinked: Ping = async (fd, ball, back) => {
  const [, received] = await chain([send(fd, ball, all), recv(fd, back, all)]);
  return received === back.length;
};

/** The kernel answers by itself. A recv that is short (0, at the end) severs the link, and nothing is sent. */
const pongLinked: Pong = async (fd, ball) => {
  try {
    await chain([recv(fd, ball, all), send(fd, ball, all)]);
    return true;
  } catch (error) {
    if (!(error instanceof ChainError)) throw error;
    const [received] = error.results as PromiseSettledResult<number>[];
    if (received?.status === 'fulfilled' && received.value < ball.length) return false;
    throw error;
  }
};

/** Hangs up at the end, come what may: the other end waits no longer, for data or for room. */
async function finishing(fd: number, play: () => Promise<void>): Promise<void> {
  try {
    await play();
  } finally {
    await shutdown(fd, constants.SHUT_RDWR);
  }
}

async function play(ping: Ping, pong: Pong, rounds: number, bytes: number): Promise<void> {
  const [left, right] = await socketPair();
  const leftPlays = finishing(left, async () => {
    const [ball, back] = [Buffer.alloc(bytes), Buffer.alloc(bytes)];
    for (let round = 1; round <= rounds; round++) {
      // Another message each time, so that an old one is not taken for it.
      ball.fill(`round ${round} `);
      if (!(await ping(left, ball, back))) throw new Error(`the other end has left in round ${round}`);
      if (!back.equals(ball)) throw new Error(`another message came back in round ${round}`);
    }
  });
  const rightPlays = finishing(right, async () => {
    const ball = Buffer.alloc(bytes);
    while (await pong(right, ball));
  });
  try {
    // The first failure is the one to tell: that of the other end is only its consequence.
    await Promise.all([leftPlays, rightPlays]);
  } catch (cause) {
    throw new Error(`the game is over: ${(cause as Error).message}`, { cause });
  } finally {
    await Promise.allSettled([leftPlays, rightPlays]);
    await Promise.all([close(left), close(right)]);
  }
}

async function measure(name: string, ping: Ping, pong: Pong, rounds: number, bytes: number): Promise<void> {
  const before = stats();
  const begin = performance.now();
  await play(ping, pong, rounds, bytes);
  const us = ((performance.now() - begin) * 1000) / rounds;
  const after = stats();
  const perRound = (key: 'submitted' | 'enters' | 'batches'): string =>
    ((after[key] - before[key]) / rounds).toFixed(2);
  console.log(
    `${name}: ${rounds} rounds of ${bytes} bytes, ${us.toFixed(1)} us each; a round is ${perRound('submitted')} ` +
      `operations, ${perRound('enters')} io_uring_enters, ${perRound('batches')} calls into JavaScript`,
  );
}

await run('ping_pong', async () => {
  const { values } = parseArgs({
    options: { rounds: { type: 'string', default: '10000' }, bytes: { type: 'string', default: '64' } },
  });
  const [rounds, bytes] = [Number(values.rounds), Number(values.bytes)];
  const within = (value: number, most: number): boolean =>
    Number.isInteger(value) && value >= 1 && value <= most;
  if (!within(rounds, 1e9) || !within(bytes, 2 ** 30)) {
    throw new Error('usage: ping_pong [--rounds N] [--bytes N]');
  }
  await measure('awaited', pingAwaited, pongAwaited, rounds, bytes);
  await measure('linked ', pingLinked, pongLinked, rounds, bytes);
});
