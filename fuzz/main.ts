import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Redis } from 'ioredis';
import { JWT_SECRET, startStack } from '../chaos/stack.ts';
import { createRedisAccountStore } from '../src/adapters/accounts/redis-account-store.ts';
import { createAccessTokens } from '../src/api/auth/access-tokens.ts';
import { allowedFor, type StaffRole } from '../src/contracts/admin-rights.ts';
import { fuzzHttp, ownIds, resumeAll } from './http.ts';
import { fuzzQueues } from './queues.ts';
import { fuzzSocket } from './socket.ts';

const HELP = `Sends what nobody should send to both queues, to every HTTP endpoint and over WebSockets, and checks what happened to each of them.

  npm run fuzz -- [--messages N] [--http M] [--sockets C] [--seed S]

  --messages N    on chat_requests and chat_responses (default 10000)
  --http M        requests, made from the API's own OpenAPI document (default 2000)
  --sockets C     WebSockets, with up to 12 messages each (default 1000)
  --seed S        the same again (default: random, and printed)

Two apis and two workers as in production, on a private RabbitMQ and Redis, with the model simulator. Exits with 1 when a
process dies, an answer is a 5xx other than 503, a WebSocket ends with a code that is not documented, or a message is not
accounted for; for HTTP and WebSockets with the smallest request that does it.
`;

/** How much time the product has to recover from the load. */
const READY_MS = 30_000;

const { values } = parseArgs({
  options: {
    messages: { type: 'string', default: '10000' },
    http: { type: 'string', default: '2000' },
    sockets: { type: 'string', default: '1000' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1e9)) },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
if (values.help) {
  process.stdout.write(HELP);
  process.exit(0);
}
const [messages, http, sockets, seed] = (['messages', 'http', 'sockets', 'seed'] as const).map((name) => {
  const value = Number(values[name]);
  if (!Number.isInteger(value) || value < 0) {
    process.stderr.write(`--${name} must be a whole number\n`);
    process.exit(2);
  }
  return value;
}) as [number, number, number, number];

console.log(`seed ${seed}: ${messages} messages, ${http} requests, ${sockets} WebSockets`);
const stack = await startStack({ preload: [] });
process.once('SIGINT', () => void stack.stop(false).then(() => process.exit(130)));
const [apiUrl] = stack.apiUrls;
const readyWithin = async (ms: number) => {
  for (const end = Date.now() + ms; ; await sleep(200)) {
    const { status } = await fetch(`${apiUrl}/health/ready`);
    if (status === 200 || Date.now() > end) return status;
  }
};
/** Whoever may enter /admin needs an account, which is looked at in each of their requests. Returns its user's id. */
async function makeAccount(redisUrl: string, role: StaffRole): Promise<string> {
  const redis = new Redis(redisUrl);
  const userId = role === 'operator' ? 'fuzz' : `fuzz-${role}`;
  const store = createRedisAccountStore({ redis });
  const email = `${userId}@chaos.example`;
  const createdAt = new Date().toISOString();
  const secondFactor = { confirmedAt: createdAt, lastStep: 0, recoveryCodes: [] };
  await store.create({ userId, email, passwordHash: '', role, createdAt, secondFactor });
  await redis.quit();
  return userId;
}

const violations: string[] = [];
const mustBe = (name: string, value: number, expected: number) => {
  console.log(
    `  ${name.padEnd(60)} ${String(value).padStart(8)}  ${value === expected ? 'ok' : `VIOLATION (${expected})`}`,
  );
  if (value !== expected) violations.push(name);
};
try {
  const accessTokens = createAccessTokens({
    secret: JWT_SECRET,
    issuer: 'healify-chat',
    audience: 'healify-chat',
    ttlMs: 24 * 3_600_000,
  });
  const tokenOf = async (role: StaffRole) =>
    accessTokens.sign({ userId: await makeAccount(stack.redisUrl, role), role }, 'fuzz');
  const token = await tokenOf('operator');
  const others = { admin: await tokenOf('admin'), privacy_officer: await tokenOf('privacy_officer') };
  /** The token of somebody who may do it. */
  const tokenFor = (method: string, path: string): string => {
    const allowed = allowedFor(method.toUpperCase(), path)?.roles ?? ['operator'];
    return allowed.includes('operator') ? token : allowed.includes('admin') ? others.admin : others.privacy_officer;
  };
  await fuzzHttp({
    apiUrl: apiUrl!,
    token,
    tokenFor,
    requests: http,
    seed,
    onProgress: (sent) => console.log(`  requests ${sent} of ${http}`),
  }).then(
    (byStatus) => console.log(`  by status: ${JSON.stringify(byStatus)}`),
    (error: Error) => {
      violations.push('HTTP');
      // The message shows the request, and the cause shows what went wrong.
      console.log(error.message, error.cause);
    },
  );
  await resumeAll(apiUrl!, token);
  // A user of its own, because the requests above have used up the limits of the first one.
  const socketToken = await accessTokens.sign({ userId: 'fuzz-socket', role: 'user' }, 'fuzz-socket');
  const known = await ownIds(apiUrl!, socketToken);
  await fuzzSocket({ apiUrl: apiUrl!, token: socketToken, known, connections: sockets, seed }).then(
    (seen) => console.log(`  over WebSockets: ${JSON.stringify(seen)}`),
    (error: Error) => {
      violations.push('WebSocket');
      console.log(error.message, error.cause);
    },
  );
  const found = await fuzzQueues({
    rabbitMqUrl: stack.rabbitMqUrl,
    messages,
    seed,
    onProgress: (sent) => sent % 10_000 === 0 && console.log(`  messages ${sent} of ${messages}`),
  });
  console.log(
    `\n  messages sent ${found.sent}, of which requests that can be read ${found.readable}; ${found.replied} answers by reply_to`,
  );
  mustBe('requests answered', found.answered, found.readable);
  mustBe('requests answered twice', found.answeredTwice, 0);
  mustBe('answers in another place, or with another correlation id', found.misdelivered, 0);
  mustBe('unreadable messages that are nowhere, with their reason', found.missing, 0);
  mustBe('dead letters that nobody sent, or with another reason', found.unexpected, 0);
  mustBe('messages left in the queues', found.left, 0);
  mustBe('processes that died', stack.died.length, 0);
  mustBe('status of /health/ready afterwards', await readyWithin(READY_MS), 200);
} finally {
  for (const output of stack.died) console.log(`--- the last words of a process that died\n${output}`);
  const dir = await stack.stop(violations.length > 0);
  console.log(
    `\nseed ${seed}: ${violations.length === 0 ? 'no violation' : `violations: ${violations.join(', ')}; logs: ${dir}`}`,
  );
  if (violations.length > 0) process.exitCode = 1;
}
