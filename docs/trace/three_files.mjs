// Three files side by side, by the operations of ringcore/core: what docs/trace/three_files.json is a trace of.
import { close, openat, read, sleep } from 'ringcore/core';

const paths = ['README.md', 'package.json', 'LICENSE'];
const readBeginning = async (path) => {
  const fd = await openat(path);
  await read(fd, Buffer.alloc(4096));
  await close(fd);
};

// Some times over: the first rounds pay for what has not been compiled yet.
for (let round = 0; round < 5; round++) await Promise.all([...paths.map(readBeginning), sleep(0.1)]);
