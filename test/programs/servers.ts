// Real servers out of Debian's packages, each on a free port of the loopback interface with a folder of its own, started
// and stopped here: whatever the machine's own services are.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, chownSync, constants, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';

interface Place {
  directory: string;
  port: number;
}

interface Kind {
  /** The programs that it needs, the server first. */
  programs: string[];
  /** Who runs it, where root may not. */
  user?: string;
  prepare?: (place: Place, paths: string[]) => string[];
  run: (place: Place) => string[];
  /** What it says when it is ready. */
  ready: RegExp;
  /** Ends it at once, with clients or without. */
  stop: NodeJS.Signals;
}

const kinds = {
  postgresql: {
    programs: ['postgres', 'initdb'],
    user: 'postgres',
    prepare: ({ directory }, [, initdb = '']) => [
      ...[initdb, '--no-sync', '--auth=trust', '--username=postgres', '--encoding=UTF8'],
      ...['-D', join(directory, 'data')],
    ],
    run: ({ directory, port }) => [
      ...['-D', join(directory, 'data'), '-h', '127.0.0.1', '-p', String(port), '-k', '', '-F'],
      ...['-c', 'max_connections=120'],
    ],
    ready: /ready to accept connections/,
    stop: 'SIGQUIT',
  },
  redis: {
    programs: ['redis-server'],
    run: ({ directory, port }) => [
      ...['--port', String(port), '--bind', '127.0.0.1', '--dir', directory],
      ...['--save', '', '--appendonly', 'no'],
    ],
    ready: /Ready to accept connections/,
    stop: 'SIGTERM',
  },
  mariadb: {
    programs: ['mariadbd', 'mariadb-install-db'],
    prepare: ({ directory }, [, install = '']) => [
      ...[install, '--no-defaults', `--datadir=${join(directory, 'data')}`, '--skip-test-db'],
      ...['--auth-root-authentication-method=normal', ...asMyself],
    ],
    run: ({ directory, port }) => [
      ...['--no-defaults', `--datadir=${join(directory, 'data')}`, `--socket=${join(directory, 'socket')}`],
      ...['--bind-address=127.0.0.1', `--port=${port}`, '--max-allowed-packet=64M', ...asMyself],
    ],
    ready: /ready for connections/,
    stop: 'SIGTERM',
  },
  mosquitto: {
    programs: ['mosquitto'],
    prepare: ({ directory, port }) => {
      const lines = [`listener ${port} 127.0.0.1`, 'allow_anonymous true', 'persistence false'];
      // As root it would go on as a user who cannot read its folder.
      writeFileSync(join(directory, 'conf'), [...lines, 'user root', 'max_queued_messages 0', ''].join('\n'));
      return [];
    },
    run: ({ directory }) => ['-c', join(directory, 'conf')],
    ready: /mosquitto version \S+ running/,
    stop: 'SIGTERM',
  },
} satisfies Record<string, Kind>;

export type ServerName = keyof typeof kinds;

const isRoot = process.getuid?.() === 0;
const asMyself = isRoot ? ['--user=root'] : [];

/** Where Debian puts servers besides PATH. */
function folders(): string[] {
  const versions = '/usr/lib/postgresql';
  let postgresql: string[] = [];
  try {
    postgresql = readdirSync(versions).map((version) => join(versions, version, 'bin'));
  } catch {
    // Not installed.
  }
  return [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', ...postgresql];
}

function find(program: string): string | undefined {
  return folders()
    .map((folder) => join(folder, program))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

/** The reason why a server cannot be started, false if it can. */
export function missing(name: ServerName): string | false {
  const lacking = kinds[name].programs.filter((program) => find(program) === undefined);
  return lacking.length > 0 && `there is no ${lacking.join(', ')} here`;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

function idsOf(user: string): { uid: number; gid: number } {
  const [uid, gid] = ['-u', '-g'].map((which) => {
    const { stdout } = spawnSync('id', [which, user], { encoding: 'utf8' });
    return Number.parseInt(stdout, 10);
  });
  if (!Number.isInteger(uid)) throw new Error(`there is no user ${user}`);
  return { uid: uid!, gid: gid! };
}

async function stop(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill(signal);
  const late = setTimeout(() => child.kill('SIGKILL'), 10_000);
  await exited;
  clearTimeout(late);
}

/** Starts a server, which the test's end stops. Resolves to its port. */
export async function serve(t: Test, name: ServerName): Promise<number> {
  const { programs, user, prepare, run, ready, stop: signal }: Kind = kinds[name];
  const place = { directory: mkdtempSync(join(tmpdir(), 'ringcore-server-')), port: await freePort() };
  t.teardown(() => rmSync(place.directory, { recursive: true, force: true }));
  const ids = user !== undefined && isRoot ? idsOf(user) : undefined;
  if (ids) chownSync(place.directory, ids.uid, ids.gid);
  const change = ids ? [`--reuid=${ids.uid}`, `--regid=${ids.gid}`, '--clear-groups'] : [];
  const paths = programs.map((program) => find(program)!);

  const first = prepare?.(place, paths) ?? [];
  if (first.length > 0) {
    const made = spawnSync('setpriv', [...change, ...first], { cwd: place.directory, encoding: 'utf8' });
    if (made.status !== 0) throw new Error(`${name}: ${made.error?.message ?? made.stdout + made.stderr}`);
  }
  // It ends with this process, however that ends.
  const args = [...change, '--pdeathsig', signal, paths[0]!, ...run(place)];
  const child = spawn('setpriv', args, { cwd: place.directory, stdio: ['ignore', 'pipe', 'pipe'] });
  t.teardown(() => stop(child, signal));
  let said = '';
  await new Promise<void>((resolve, reject) => {
    const listen = (text: string): void => {
      said += text;
      if (ready.test(said)) resolve();
    };
    child.stdout.setEncoding('utf8').on('data', listen);
    child.stderr.setEncoding('utf8').on('data', listen);
    child.once('error', reject);
    child.once('exit', () => reject(new Error(`${name} ended: ${said}`)));
  });
  return place.port;
}
