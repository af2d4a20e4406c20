import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Redis } from 'ioredis';
import { makeAccount, roleFor } from '../chaos/people.ts';
import { startStack } from '../chaos/stack.ts';
import type { Role } from '../src/contracts/account.ts';
import { startHandMadeProvider } from '../tools/services/hand-made-provider.ts';
import { fuzzHttp, ownIds, resumeAll } from './http.ts';
import { startIdentityProvider } from './identity-provider.ts';
import { fuzzQueues } from './queues.ts';
import { fuzzSignIns } from './sign-ins.ts';
import { fuzzSocket } from './socket.ts';
import { fuzzTokens, ownTokens, TOKEN_USER } from './tokens.ts';

const HELP = `Sends what nobody should send to both queues, to every HTTP endpoint, over WebSockets, as an access token and as the reply of an
identity provider, and checks what happened to each of them.

  npm run fuzz -- [--messages N] [--http M] [--sockets C] [--tokens T] [--sign-ins L] [--seed S] [--identity-provider]

  --messages N    on chat_requests and chat_responses (default 10000)
  --http M        requests, made from the API's own OpenAPI document (default 2000)
  --sockets C     WebSockets, with up to 12 messages each (default 1000)
  --tokens T      access tokens: forged, cut, and with claims of every kind (default 1000)
  --sign-ins L    logins and logouts at an identity provider that says anything (default 500)
  --seed S        the same again (default: random, and printed)
  --identity-provider  an identity provider has the accounts, and signs the tokens; so nobody logs in at the pages

Two apis and two workers as in production, on a private RabbitMQ and Redis, with the model simulator. Exits with 1 when a
process dies, an answer is a 5xx other than 503, no request reaches the work of an endpoint, a token opens what it must not,
somebody is let in who must not be, a WebSocket ends with a code that is not documented, or a message is not
accounted for; for HTTP and WebSockets with the smallest request that does it.
`;

/** Mails go nowhere. What asks for one is answered before it is sent. */
const SETTINGS = {
  ...{ SMTP_URL: 'smtp://127.0.0.1:9', MAIL_FROM: 'chat@example.com', PUBLIC_URL: 'https://chat.example.com' },
  RATE_LOGIN_PER_MINUTE: '1000000',
};
/** How much time the product has to recover from the load. */
const READY_MS = 30_000;

const { values } = parseArgs({
  options: {
    messages: { type: 'string', default: '10000' },
    http: { type: 'string', default: '2000' },
    sockets: { type: 'string', default: '1000' },
    tokens: { type: 'string', default: '1000' },
    'sign-ins': { type: 'string', default: '500' },
    'identity-provider': { type: 'boolean', default: false },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1e9)) },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
if (values.help) {
  process.stdout.write(HELP);
  process.exit(0);
}
const [messages, http, sockets, tokens, signIns, seed] = (
  ['messages', 'http', 'sockets', 'tokens', 'sign-ins', 'seed'] as const
).map((name) => {
  const value = Number(values[name]);
  if (!Number.isInteger(value) || value < 0) {
    process.stderr.write(`--${name} must be a whole number\n`);
    process.exit(2);
  }
  return value;
}) as [number, number, number, number, number, number];

console.log(
  `seed ${seed}: ${messages} messages, ${http} requests, ${sockets} WebSockets, ${tokens} tokens, ${signIns} logins`,
);
const provider = values['identity-provider'] ? await startIdentityProvider() : undefined;
const issuer = provider?.tokens ?? ownTokens;
/** Where people log in who have an account of the product. */
const openId = provider ? undefined : await startHandMadeProvider();
const stack = await startStack({ preload: [], settings: { ...SETTINGS, ...provider?.settings, ...openId?.settings } });
process.once('SIGINT', () => void stack.stop(false).then(() => process.exit(130)));
const [apiUrl] = stack.apiUrls;
const readyWithin = async (ms: number) => {
  for (const end = Date.now() + ms; ; await sleep(200)) {
    const { status } = await fetch(`${apiUrl}/health/ready`);
    if (status === 200 || Date.now() > end) return status;
  }
};
const redis = new Redis(stack.redisUrl);
const violations: string[] = [];
const mustBe = (name: string, value: number, expected: number) => {
  console.log(
    `  ${name.padEnd(60)} ${String(value).padStart(8)}  ${value === expected ? 'ok' : `VIOLATION (${expected})`}`,
  );
  if (value !== expected) violations.push(name);
};
try {
  const tokenOf = async (userId: string, role: Role) => {
    if (!provider) await makeAccount({ redis }, userId, role);
    return issuer.issue(userId, role);
  };
  const byRole: Partial<Record<Role, string>> = {
    operator: await tokenOf('fuzz', 'operator'),
    privacy_officer: await tokenOf('fuzz-officer', 'privacy_officer'),
    admin: await tokenOf('fuzz-admin', 'admin'),
  };
  const token = byRole.operator!;
  // Somebody whose account may be changed.
  const email = await makeAccount({ redis }, 'fuzz-other', 'user');
  const leaving = await tokenOf('fuzz-leaving', 'user');
  const existing = {
    ...{ email, confirm: 'fuzz-leaving', messageId: 'fuzz', gate: 'simulator/simulator' },
    ...(openId && { logout_token: await openId.sign(openId.logoutClaims()) }),
  };
  await fuzzHttp({
    apiUrl: apiUrl!,
    token,
    // The token of somebody who may do it.
    tokenFor: (method, path) => (path === '/account' ? leaving : (byRole[roleFor(method, path)] ?? token)),
    existing,
    requests: http,
    seed,
    onProgress: (sent) => console.log(`  requests ${sent} of ${http}`),
  }).then(
    ({ byStatus, unreached }) => {
      console.log(`  by status: ${JSON.stringify(byStatus)}`);
      for (const operation of unreached) console.log(`  no request reached the work of ${operation}`);
      mustBe('endpoints whose work was not reached', unreached.length, 0);
    },
    (error: Error) => {
      violations.push('HTTP');
      // The message shows the request, and the cause shows what went wrong.
      console.log(error.message, error.cause);
    },
  );
  await resumeAll(apiUrl!, token);
  await tokenOf(TOKEN_USER, 'user');
  await fuzzTokens({ apiUrl: apiUrl!, tokens: issuer, count: tokens, seed }).then(
    (seen) => console.log(`  tokens: ${JSON.stringify(seen)}`),
    (error: Error) => {
      violations.push('tokens');
      console.log(error.message, error.cause);
    },
  );
  if (openId) {
    await fuzzSignIns({ apiUrl: apiUrl!, provider: openId, count: signIns, seed }).then(
      (seen) => console.log(`  logins at the identity provider: ${JSON.stringify(seen)}`),
      (error: Error) => {
        violations.push('logins at the identity provider');
        console.log(error.message, error.cause);
      },
    );
  }
  // A user of its own, because the requests above have used up the limits of the first one.
  const socketToken = await tokenOf('fuzz-socket', 'user');
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
  redis.disconnect();
  for (const output of stack.died) console.log(`--- the last words of a process that died\n${output}`);
  const dir = await stack.stop(violations.length > 0);
  provider?.stop();
  openId?.stop();
  console.log(
    `\nseed ${seed}: ${violations.length === 0 ? 'no violation' : `violations: ${violations.join(', ')}; logs: ${dir}`}`,
  );
  if (violations.length > 0) process.exitCode = 1;
}
