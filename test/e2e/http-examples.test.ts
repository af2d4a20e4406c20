import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type AnswerEvent, textAfter } from '../../src/client/chat-client.ts';
import { type GuardedProcess, startGuarded } from '../../tools/services/guarded-process.ts';
import { register } from '../api-client.ts';
import { startApi, startWorker, type TestProcess } from '../processes.ts';
import { testRabbitMqUrl, testRedisUrl } from '../services.ts';
import { startSimulator, type TestSimulator } from '../start-simulator.ts';

const examples = join(import.meta.dirname, '../../examples');
const withCurl = spawnSync('curl', ['--version']).status === 0 ? test : test.skip;
if (withCurl === test.skip) process.stdout.write('The example with curl is left out: curl is not installed.\n');

let simulator: TestSimulator;
let api: TestProcess;
let account: { email: string; password: string };
const scripts: GuardedProcess[] = [];

beforeAll(async () => {
  simulator = await startSimulator();
  const env = {
    REDIS_URL: await testRedisUrl(),
    RABBITMQ_URL: await testRabbitMqUrl(),
    MODEL_SIMULATOR_URL: simulator.baseUrl,
  };
  [api] = await Promise.all([startApi(env), startWorker(env)]);
  account = await register(api.url);
});
afterAll(async () => {
  await Promise.all(scripts.map((script) => script.kill()));
  await simulator.stop();
});

/** Returns what a program has printed, once it has ended. */
async function run(command: string, args: string[], password = account.password): Promise<string> {
  const script = await startGuarded(command, args, {
    env: {
      PATH: process.env.PATH,
      HEALIFY_API: api.url,
      HEALIFY_EMAIL: account.email,
      HEALIFY_PASSWORD: password,
    },
  });
  scripts.push(script);
  await script.exited;
  return script.output();
}

const QUESTION = 'How much "water"? \\ 💧 [[simulate mode=echo]]';

withCurl('a shell script asks with curl, and prints the events until the end', async () => {
  const output = await run('sh', [join(examples, 'curl/ask.sh'), QUESTION]);
  expect(output).toContain('event: completed');
  const events = [...output.matchAll(/^data: (.*)$/gm)].map(([, data]) => JSON.parse(data!) as AnswerEvent);
  expect(events.reduce(textAfter, '')).toBe('How much "water"? \\ 💧');
  expect(output).not.toContain(account.password);
});

withCurl('the shell script says why it cannot ask, and ends', async () => {
  const script = join(examples, 'curl/ask.sh');
  expect(await run('sh', [script, QUESTION], 'not the password')).toContain('"code":"invalid_credentials"');
  expect(await run('sh', [script, ' '])).toContain('"code":"validation_failed"');
});

test('a JavaScript program asks with the client, and prints the answer', async () => {
  const output = await run(process.execPath, [join(examples, 'javascript/ask.js'), QUESTION]);
  expect(output).toContain('How much "water"? \\ 💧\n');
  expect(output).toContain('completed, answered by simulator');
});

test('a JavaScript program without a library asks several questions over one WebSocket', async () => {
  const questions = [
    QUESTION,
    'And sleep? [[simulate mode=echo]]',
    'Forbidden? [[simulate mode=context_length_exceeded]]',
  ];
  const output = await run(process.execPath, [join(examples, 'javascript/socket.js'), ...questions]);
  expect(output).toContain('\n  How much "water"? \\ 💧\n');
  expect(output).toContain('\n  And sleep?\n');
  expect(output).toContain('(no answer: ');
});
