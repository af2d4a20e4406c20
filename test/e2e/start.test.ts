import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
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
afterAll(async () => {
  await running?.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

const npmStart = (...args: string[]) =>
  startGuarded(process.execPath, [join(root, 'tools/start/main.ts'), '--data', dataDir, ...args], {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...ports },
  });

async function startToBanner(): Promise<GuardedProcess> {
  const started = await npmStart();
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

/** Processes that name our data folder in their command line or environment. */
function left(): string[] {
  return readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid) && Number(pid) !== process.pid)
    .flatMap((pid) => {
      try {
        const said = readFileSync(`/proc/${pid}/cmdline`, 'utf8') + readFileSync(`/proc/${pid}/environ`, 'utf8');
        return said.includes(dataDir) ? [said.split('\0').slice(0, 3).join(' ')] : [];
      } catch {
        return [];
      }
    });
}

test('one command runs everything, its line to try is answered, and Ctrl-C leaves nothing behind but the data', async () => {
  const first = await startToBanner();
  const answer = await ask(first);
  expect(answer).toMatchObject({ status: 'completed', model: 'simulator' });

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
