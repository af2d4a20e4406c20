import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { connect } from 'amqplib';
import { Redis } from 'ioredis';
import { startStack } from '../../chaos/stack.ts';
import type { OpenApiDocument } from '../../src/api/docs/openapi.ts';
import { REQUESTS_QUEUE, RESPONSES_QUEUE } from '../../src/contracts/queues.ts';
import { startGuarded } from '../../tools/services/guarded-process.ts';
import { startHandMadeProvider } from '../../tools/services/hand-made-provider.ts';
import { makeRunFolder, removeFolder } from '../../tools/services/run-folder.ts';
import { beyondSchema } from './beyond-schema.ts';
import { makeConfig } from './config.ts';
import { installSchemathesis } from './install.ts';

const HELP = `Lets schemathesis call every operation of the OpenAPI document, and compare what comes with what the document says.

  npm run fuzz:openapi -- [--examples N] [--only PATTERN]

  --examples N      requests of each operation and phase, at most (default 10)
  --only PATTERN    only paths that match this regular expression

Two apis and two workers as in production, on a private RabbitMQ and Redis, with the model simulator. Each operation is called by
somebody who may call it. The requests are the same in each run. Installs schemathesis into .data first, with python3 and pip.
Exits with 1 at a status, a content type, a header or a body that the document does not have, at an internal error, where
something is refused that the document allows, and where something is accepted that it forbids; with 3 if schemathesis cannot be
installed.
`;
const CANNOT_INSTALL = 3;
const DEAD_LETTER_ID = 'known-letter';

const { values } = parseArgs({
  options: {
    examples: { type: 'string', default: '10' },
    only: { type: 'string' },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
if (values.help) {
  process.stdout.write(HELP);
  process.exit(0);
}
if (!/^[1-9]\d{0,5}$/.test(values.examples)) {
  process.stderr.write('--examples must be a whole number\n');
  process.exit(2);
}
const installed = await installSchemathesis();
if ('why' in installed) {
  process.stderr.write(`schemathesis cannot be installed: ${installed.why}\n`);
  process.exit(CANNOT_INSTALL);
}

const dir = makeRunFolder('openapi');
// Mails go nowhere. What asks for one is answered before it is sent.
const mail = { SMTP_URL: 'smtp://127.0.0.1:9', MAIL_FROM: 'chat@example.com', PUBLIC_URL: 'https://chat.example.com' };
const openId = await startHandMadeProvider();
const settings = { ...mail, ...openId.settings, RATE_LOGIN_PER_MINUTE: '1000000' };
const stack = await startStack({ preload: [], settings });
process.once('SIGINT', () => void stack.stop(false).then(() => process.exit(130)));
try {
  const [apiUrl] = stack.apiUrls as [string];
  await sendDeadLetters();
  const document = (await (await fetch(`${apiUrl}/openapi.json`)).json()) as OpenApiDocument;
  const [file, logFile] = [join(dir, 'schemathesis.toml'), join(dir, 'schemathesis.log')];
  const redis = new Redis(stack.redisUrl);
  writeFileSync(file, await makeConfig({ document, apiUrl, redis, deadLetterId: DEAD_LETTER_ID }));
  redis.disconnect();
  const only = values.only === undefined ? [] : ['--include-path-regex', values.only];
  // `Prefer: wait` holds a reply for up to 30 s.
  const sizes = ['--max-examples', values.examples, '--request-timeout', '60'];
  const run = await startGuarded(
    installed.python,
    ['-m', 'schemathesis.cli', '--config-file', file, 'run', `${apiUrl}/openapi.json`, '--no-color', ...sizes, ...only],
    { cwd: dir, env: { PATH: process.env.PATH, HOME: dir, COLUMNS: '140' }, logFile },
  );
  await run.exited;
  process.stdout.write(readFileSync(logFile, 'utf8'));
  console.log('\nWhat may be refused although its schema allows it:');
  for (const [name, { statuses, why }] of Object.entries(beyondSchema)) console.log(`  ${name}: ${statuses}, ${why}`);
  for (const output of stack.died) console.log(`\n--- the last words of a process that died\n${output}`);
  if (run.exitCode !== 0 || stack.died.length > 0) process.exitCode = 1;
} finally {
  openId.stop();
  const logs = await stack.stop(process.exitCode === 1);
  if (process.exitCode === 1) console.log(`logs: ${logs}`);
  removeFolder(dir);
}

async function sendDeadLetters(): Promise<void> {
  const connection = await connect(stack.rabbitMqUrl);
  const channel = await connection.createConfirmChannel();
  for (const queue of [REQUESTS_QUEUE, RESPONSES_QUEUE]) {
    channel.sendToQueue(queue, Buffer.from('no JSON'), { messageId: DEAD_LETTER_ID });
  }
  await channel.waitForConfirms();
  await connection.close();
}
