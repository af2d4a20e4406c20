import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { readEnvironment } from '../../../tools/start/environment.ts';
import { type SupervisedScript, superviseScript } from '../../../tools/start/supervise-script.ts';
import { until } from '../../until.ts';
import { terminalText } from './terminal-text.ts';

let root: string;
let terminal: ReturnType<typeof terminalText>;
let script: SupervisedScript | undefined;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'healify-supervise-'));
  mkdirSync(join(root, 'logs'));
  terminal = terminalText();
});
afterEach(async () => {
  await script?.stop();
  script = undefined;
  rmSync(root, { recursive: true, force: true });
});

const log = () => {
  const file = join(root, 'logs/worker.log');
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
};
const pidOf = () => Number(/pid (\d+)/g.exec(log().trim().split('\n').at(-1)!)?.[1]);

/** Runs a script that says its pid and its model, and then does what `then` says. */
async function supervise(then: string): Promise<SupervisedScript> {
  writeFileSync(join(root, 'worker.mjs'), `console.log('pid', process.pid, process.env.CHAT_MODEL);\n${then}\n`);
  const readEnv = () => readEnvironment(root);
  script = await superviseScript({
    name: 'worker',
    file: 'worker.mjs',
    args: [],
    readEnv,
    root,
    dataDir: root,
    terminal,
  });
  return script;
}
const waitForEver = 'setInterval(() => {}, 1e6);';
const lines = (count: number) => until(`${count} lines of the script`, () => log().split('pid').length > count);

test('a process that is started again has the settings that .env has by then, and only their names are shown', async () => {
  writeFileSync(join(root, '.env'), 'CHAT_MODEL=first\nOPENAI_API_KEY=sk-old\n');
  const worker = await supervise(waitForEver);
  worker.works();
  await lines(1);
  expect(log()).toContain('first');
  writeFileSync(join(root, '.env'), 'CHAT_MODEL=second\nOPENAI_API_KEY=sk-new\n');
  process.kill(pidOf(), 'SIGKILL');
  await lines(2);
  expect(log()).toContain('second');
  expect(worker.env.CHAT_MODEL).toBe('second');
  await until('it says so', () => terminal.text().includes('with new values of CHAT_MODEL, OPENAI_API_KEY.'));
  expect(terminal.text()).not.toMatch(/sk-|second/);
});

test('a process that fails again and again is started at once when .env is corrected', async () => {
  writeFileSync(join(root, '.env'), 'CHAT_MODEL=bad\n');
  const worker = await supervise(`if (process.env.CHAT_MODEL === 'bad') process.exit(1);\n${waitForEver}`);
  worker.works();
  await until('the third pause, of 4 s', () => terminal.text().includes('in 4 s'));
  const startedAt = performance.now();
  writeFileSync(join(root, '.env'), 'CHAT_MODEL=good\n');
  await until('it runs with the corrected setting', () => log().includes('good'));
  expect(performance.now() - startedAt).toBeLessThan(3_500);
});

test('a process that was killed is reported with exit code, signal and what they mean, without the shell’s own words', async () => {
  const worker = await supervise(waitForEver);
  worker.works();
  await lines(1);
  process.kill(pidOf(), 'SIGKILL');
  await until('the report', () => terminal.text().includes('has ended by itself'));
  expect(terminal.text()).toContain(
    'exit code 137 (SIGKILL): it was killed from outside, by somebody or by the system',
  );
  expect(terminal.text()).toContain('It is started again in 1 s');
  expect(terminal.text()).toMatch(/Its last lines:\npid \d+/);
  expect(terminal.text()).not.toContain('Killed');
});

test('a process that ends before it ever worked is given up, with its exit code and last words', async () => {
  const worker = await supervise(`console.error('REDIS_URL is wrong'); process.exit(3);`);
  const said = await until('it gave up', () => worker.gaveUp());
  expect(said).toContain('exit code 3');
  expect(said).toContain('REDIS_URL is wrong');
});

test('a process that was ready and is killed a moment later is started again, too', async () => {
  const worker = await supervise(waitForEver);
  await lines(1);
  worker.works();
  process.kill(pidOf(), 'SIGKILL');
  await lines(2);
  expect(worker.gaveUp()).toBeUndefined();
});
