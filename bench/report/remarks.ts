/**
 * What the figures do not say by themselves, written by hand; the report puts each beside its case.
 * A key is the beginning of the names of the cases that it is for; the first that fits counts.
 */
export const remarks: Record<string, string> = {
  'readFile-4k-1':
    'Pinned to one processor node has no wake-up across processors to pay, which is half of its time elsewhere. Of our 5.3 us, ' +
    'the system calls (openat2, statx, preadv2, close) take 2.6, as in C; the rest is the ArrayBuffer of its own that each result ' +
    'has (0.8; decisions/0005), the promise, and a turn of the event loop.',
  'readFile-4k-256':
    'A tenth to a quarter more CPU a file than 32 at once. A larger young generation changes nothing (4.2 us with 16 MiB and with 64), and ' +
    'the system calls are the same; more is in use at a time.',
  'readFile-4k-cold':
    'The device is the limit: the same places with O_DIRECT give 60,000 reads a second at depth 32, 87,000 at 128 ' +
    '(`handle-read-direct`), and this case gets 80 % of that.',
  'handle-read-direct':
    'The device is the limit, a virtual disk that gives 22,000 reads a second one after another and 87,000 at most; the processor is ' +
    'idle for the rest.',
  'handle-read-32':
    'From 8 in the ring on a read is not tried at once any more (decisions/0006); JavaScript is most of what is left.',
  'handle-read-1':
    'One system call, preadv2(RWF_NOWAIT), and no turn of the event loop: 0.9 us of it is the kernel’s, as in C; validation, the ' +
    'result object and the promise take the rest. Pinned, node needs 15 us; unpinned 31, and the ratio is 12x.',
  stat:
    'Three system calls instead of one, since a statx can’t be told not to wait (decisions/0006): 1.8 us, JavaScript 1.1. Pinned, ' +
    'node needs 15 us; unpinned 33, and the ratio is 11x. 20x would be less than the three calls.',
  'stream-drain':
    'Copying 100 MB out of the page cache into memory that is used again takes a C program 13 ms on this machine (the target is from ' +
    'one where it takes 6 to 8): nothing can be more than 2.5x to 3x. Fresh memory for each chunk, which a program may keep, costs ' +
    'the cache misses on top (decisions/0007).',
  'stream-pipe':
    'Both copies and the page of tmpfs for each 4 KiB: 58 ms in C (decisions/0007), so 1.9x is the most there is. A write on tmpfs or ' +
    'ext4 goes to a kernel worker; larger blocks, and splice, were no faster.',
  'cat-100m': 'On a disturbed machine the fresh process’s start counts; undisturbed it is 3.5x and more.',
  'copyFile-100m-tmpfs':
    'Within the noise: the copy from page to page is all there is; node’s is one sendfile, ours splices in pieces that can be aborted.',
  'writeFile-4k':
    'At once, by system calls (decisions/0006): 81 % of it is the kernel’s (perf: path_openat, shmem_write, the freed page). Four ' +
    'calls are the same as anybody’s; two look first that nothing has to be waited for. The C limit is 4.8 us.',
  'echo-64b-1-asleep': 'What is measured is how fast the machine wakes a sleeping client, twice an exchange.',
  echo:
    'On this machine C gets 1.4x to 1.5x of node: 4.5 us a round trip in the kernel’s TCP, whose timers (BBR) are in it. ringcore ' +
    'reaches 85 to 95 % of the C programs; targets above that can’t be had here.',
  'for-await':
    'The same limit: 4.4 us of the kernel’s in node’s 7. A chunk goes past the stream to the loop that waits for it (lib/net/' +
    'chunk_iterator.ts), which is 2 us less than by node’s async iterator of Readable.',
  accept: 'A connection costs the kernel 38 us on both sides; the C program gets 1.1x to 1.5x of node.',
  'cluster-2':
    'Two workers, the primary that hands out connections, and the load generator share the processors of this machine, which are two: one ' +
    'worker and the generator fill them already, so the second only takes from both. It says something from three processors on.',
  'receive-64k':
    'Half of it is the kernel’s copy out of the socket, the same for both. Spared are node’s fresh 64 KiB of memory a chunk, with ' +
    'their page faults, and its calls of epoll and read. Node’s CPU a MiB differs by half and more from process to process.',
  'http-':
    'Node’s parser gets its data by way of JavaScript from our sockets, and from its own in C++ without; what the socket gains, that ' +
    'costs in part (perf: socketOnData 17 %). In its first second a server of ours is behind (http-requests-1: 0.77x): there is ' +
    'more JavaScript for V8 to optimize.',
  'elu-':
    'An exchange that comes alone costs a turn of the loop: its eventfd, epoll_wait and io_uring_enter take 3 us more than epoll_wait, read ' +
    'and write (24 us of CPU and 21 at 10 %); libuv calls the enter activity, which is where the kernel receives. The busier, the ' +
    'more exchanges share a turn. Tried: to spin before sleeping whatever is in flight, and to wait in the ring; either takes a call ' +
    'away, and shows as 94 to 100 % (decisions/0004, 0020).',
  'loop-delay-100m':
    'While the file is read, at most 1 MiB a turn is copied: 0.2 ms. What the 99th percentile sees is V8: each buffer of 100 MB is ' +
    'more external memory than it lets pass (64 MiB): it then marks the heap for 5 to 10 ms in one go (ReportExternalMemoryPressure; ' +
    'strace: 3 to 4 ms without a system call behind the mmap of each buffer), for node’s own as well. Only memory that V8 does not ' +
    'count would avoid that.',
  'loop-delay-4k':
    'A few milliseconds of other processes are in it on a busy machine; quiet, it is about 2 ms.',
  'memory-1g-stream':
    'Who has got a chunk may keep it, and V8 frees what is not kept when 32 MiB (node 26: 64) have piled up; node’s own stream is bound ' +
    'to the same. Freeing is done by a thread of V8’s, which ours outruns. Tried: slabs of 64 KiB and 1 MiB: no difference; slabs ' +
    'that count as four times their size: 28 MiB, but on node 26 20 % slower; as twice: 42 MiB, node 26: 53, for twice as many full ' +
    'collections, which a program with a large heap pays for; a minor collection every 8 MiB, by --expose-gc: 24 MiB, and ' +
    'faster, but a library has no business to collect its program’s garbage. A pipe grows by 7.',
  'memory-1g-socket': 'Chunks of sockets are as those of streams.',
  'import-modules': 'Some 130 files, half a millisecond each in node’s loader of ES modules.',
  import:
    'V8’s first look at 280 KB of source is 6.5 ms of it, node’s own fs, net and streams 3, reading two files 2.5, the ring and the ' +
    'addon 1.5 (decisions/0017, with what was tried). NODE_COMPILE_CACHE takes 4 to 5 off, on node 22.1 and newer.',
  'idle-connections':
    'JavaScript objects: 1.25 KB a connection, node’s 0.9 and 0.4 in C++, which here is 0.08. The rest is what V8 lets the young generation ' +
    'grow to; with --max-semi-space-size=1 it is 2.8 KB and 3.2.',
};

/** Behind the machine's facts. */
export const general = `Two runs of a quiet machine within 90 minutes: of everything, in 5 rounds of 300 ms; then of all but the curves once more, in 3
rounds, the sockets' behind a warm-up of 3 s in place of 0.8 s, whose figures stand here. The ratios of the two runs differ by
less than a tenth, apart from sockets that had not warmed up and the cases whose spread is large. The host itself has fast and
slow minutes (C's echo at 64 connections: 230,000 and 166,000 a second): compare what stands in one row.

All processes are pinned to one processor, the load generator to the other. That is fair to both, and worse for
ringcore's ratios at depth 1 than the usual case: node's thread pool then wakes a thread on another processor for each
operation. \`npm run bench -- --unpinned\` shows it.`;
