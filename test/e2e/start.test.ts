import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, expect, jest, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { freePort } from '../../tools/services/free-port.ts';
import { type GuardedProcess, startGuarded } from '../../tools/services/guarded-process.ts';
import { until } from '../until.ts';

jest.setTimeout(180_000);

const root = join(import.meta.dirname, '../..');
const dataDir = mkdtempSync(join(tmpdir(), 'healify-start-'));
const ports: Record<string, string> = {};
let running: GuardedProcess | undefined;

beforeAll(async () => {
  for (const name of ['API', 'WORKER', 'API_METRICS', 'WORKER_METRICS']) {
    ports[`${name}_PORT`] = String(await freePort());
  }
});
afterEach(async () => {
  await running?.stop();
});
afterAll(() => {
  rmSync(dataDir, { recursive: true, force: true });
});

const withToken = { headers: { Authorization: 'Bearer a-token-of-this-test' } };
/** Every process that npm start starts has the data folder in its environment, so that it can be found. */
const env = () => ({
  PATH: process.env.PATH,
  HOME: process.env.HOME,
  STARTED_BY: dataDir,
  METRICS_TOKEN: 'a-token-of-this-test',
  ...ports,
});

const npmStart = (...args: string[]) =>
  startGuarded(process.execPath, [join(root, 'tools/start/main.ts'), '--data', dataDir, ...args], {
    env: env(),
  });

async function startToBanner(start = npmStart): Promise<GuardedProcess> {
  const started = await start();
  running = started;
  await until(
    'the banner',
    () => {
      if (!started.running) throw new Error(`npm start ended:\n${started.output()}`);
      return started.output().includes('Ctrl-C stops everything');
    },
    120_000,
  );
  return started;
}

const ask = async (started: GuardedProcess) => {
  const line = started.output().match(/^curl .*$/m)?.[0];
  const { stdout } = await promisify(execFile)('bash', ['-c', line!]);
  return JSON.parse(stdout) as { status: string; model: string; sessionId: string };
};

/** Processes that npm start has started. */
function ours(): { pid: number; command: string }[] {
  return readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid) && Number(pid) !== process.pid)
    .flatMap((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
        const said = command + readFileSync(`/proc/${pid}/environ`, 'utf8');
        return said.includes(dataDir) ? [{ pid: Number(pid), command: command.replaceAll('\0', ' ') }] : [];
      } catch {
        return [];
      }
    });
}

const left = () => ours().map(({ command }) => command);

/** The process itself, not the shell that guards it. */
const pidOf = (program: string) =>
  ours().find(({ command }) => !command.startsWith('sh ') && command.includes(program))!.pid;

test('one command runs everything, its line to try is answered, and Ctrl-C leaves nothing behind but the data', async () => {
  const first = await startToBanner();
  const answer = await ask(first);
  expect(answer).toMatchObject({ status: 'completed', model: 'simulator' });
  const prometheus = /Prometheus +(http\S+)/.exec(first.output())?.[1];
  if (prometheus) {
    const asked = `${prometheus}/api/v1/query?query=${encodeURIComponent('count(up{job=~"healify-.+|rabbitmq"} == 1)')}`;
    await until('Prometheus reads all metrics', async () => /,"3"\]/.test(await (await fetch(asked)).text()));
  }

  // Only the owner may look at the data, and only with the password at Redis.
  expect(statSync(dataDir).mode & 0o777).toBe(0o700);
  const redisUrl = new URL(/^REDIS_URL=(.*)$/m.exec(readFileSync(join(dataDir, 'env'), 'utf8'))![1]!);
  expect(first.output()).not.toContain(redisUrl.password);
  redisUrl.password = '';
  const stranger = new Redis(redisUrl.href).on('error', () => {});
  await expect(stranger.dbsize()).rejects.toThrow(/^NOAUTH/);
  stranger.disconnect();

  const second = await npmStart();
  await second.exited;
  expect(second.exitCode).toBe(1);
  expect(second.output()).toContain('npm start runs already');

  process.kill(first.pid, 'SIGINT');
  await first.exited;
  expect(first.exitCode).toBe(0);
  expect(first.output()).toContain('Stopped. The data stays where it is.');
  if (process.platform === 'linux') await until('nothing is left running', () => left().length === 0);

  const again = await startToBanner();
  const { user } = JSON.parse(readFileSync(join(dataDir, 'accounts.json'), 'utf8'));
  const base = `http://127.0.0.1:${ports.API_PORT}`;
  const login = await fetch(`${base}/auth/login`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ email: user.email, password: user.password }),
  });
  const { accessToken } = (await login.json()) as { accessToken: string };
  const session = await fetch(`${base}/chat/session/${answer.sessionId}`, {
    headers: { Authorization: `Bearer ${accessToken}` },
  });
  expect(await session.json()).toMatchObject({ status: 'completed' });
  process.kill(again.pid, 'SIGTERM');
  await again.exited;
  expect(again.exitCode).toBe(0);
});

test('a process and a server that are killed come back, and npm start says so; whoever ends npm ends everything', async () => {
  const started = await startToBanner(() =>
    startGuarded('npm', ['start', '--', '--data', dataDir], {
      cwd: root,
      env: env(),
    }),
  );
  const said = (text: string) => until(text, () => started.output().includes(text), 60_000);
  process.kill(pidOf('src/main/worker.ts'), 'SIGKILL');
  await said('worker has ended by itself');
  await said('exit code 137 (SIGKILL)');
  await said('worker is started again, with the same settings.');
  // Redis writes its title over its environment.
  const redis = new Redis(/^REDIS_URL=(.*)$/m.exec(readFileSync(join(dataDir, 'env'), 'utf8'))![1]!);
  const serverInfo = await redis.info('server');
  redis.disconnect();
  process.kill(Number(/process_id:(\d+)/.exec(serverInfo)![1]), 'SIGKILL');
  await said('Redis is back.');
  // The api may be a moment later to find it, and says 503 until then.
  await until('a question is answered', async () => (await ask(started)).status === 'completed', 60_000);

  // npm run demo finds this product, and leaves something to look at.
  const demo = join(root, 'tools/demo/main.ts');
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [demo, '--data', dataDir, '--questions', '101', '--seconds', '4'],
    { env: env() },
  );
  expect(stdout).toMatch(/The day is over: 101 questions\.[\s\S]* refused +none/);
  const metrics = async () =>
    await (await fetch(`http://127.0.0.1:${ports.API_METRICS_PORT}/metrics`, withToken)).text();
  await until('a dead letter is counted', async () =>
    /messages\{queue="chat_requests\.dlq"[^}]*\} 1\n/.test(await metrics()),
  );

  process.kill(started.pid, 'SIGTERM');
  if (process.platform === 'linux') await until('nothing is left running', () => left().length === 0, 60_000);
});

test('a port that is taken is told before anything is started, with the setting to change', async () => {
  const other = createServer().listen(Number(ports.WORKER_PORT), '127.0.0.1');
  try {
    const refused = await npmStart();
    await refused.exited;
    expect(refused.output()).toContain(`WORKER_PORT=${ports.WORKER_PORT} is taken`);
    expect(refused.output()).not.toContain('RabbitMQ');
  } finally {
    other.close();
  }
});

test('--help says what it does', () => {
  const help = execFileSync(process.execPath, [join(root, 'tools/start/main.ts'), '--help'], { encoding: 'utf8' });
  expect(help).toContain('RABBITMQ_URL and REDIS_URL');
});
