import { expect, test } from '@jest/globals';
import type { Overview } from '../../../src/contracts/http/overview-bodies.ts';
import { findingsOf } from '../../../src/web/operations/verdict.ts';

const NOW = Date.parse('2026-01-01T12:00:00Z');
const secondsAgo = (seconds: number) => new Date(NOW - seconds * 1_000).toISOString();

const worker = {
  id: 'w-1',
  role: 'worker' as const,
  version: '1',
  settings: 'abc',
  startedAt: secondsAgo(100),
  state: 'alive' as const,
  silentSince: null,
};
const gate = {
  gate: 'openai gpt-4o',
  provider: 'openai',
  model: 'gpt-4o',
  region: null,
  agreement: null,
  state: 'open' as const,
  cause: null,
  since: null,
  until: null,
  keyFingerprint: null,
};
const queuesWith = (messages: Record<string, number>) =>
  ['chat_requests', 'chat_responses', 'chat_requests.dlq', 'chat_responses.dlq'].map((queue) => ({
    queue,
    messages: messages[queue] ?? 0,
    consumers: 1,
    notEmptyForMs: 0,
  }));
const well: Overview = {
  servers: [
    { server: 'rabbitmq', state: 'up', detail: null, members: null },
    { server: 'redis', state: 'up', detail: null, members: null },
  ],
  processes: [worker],
  warnings: [],
  intake: { paused: false, since: null, by: null },
  pausedJobQueues: [],
  line: { waiting: 2, drainPerSecond: 3, etaMs: 900, oldestQuestionAgeMs: 500 },
  queues: queuesWith({}),
  jobs: { waiting: 1, delayed: 0, active: 1, completed: 5, failed: 0 },
  gates: [gate],
  deadLetters: [],
  deadLettersExpire: [],
  failures: [],
  retryRuns: [],
};
const failure = (code: string, count: number, newestSecondsAgo: number) => ({
  code,
  count,
  oldest: secondsAgo(newestSecondsAgo + 60),
  newest: secondsAgo(newestSecondsAgo),
  example: 'r-1',
});

/** What the page says first, and where it sends the reader. */
function firstOf(change: Partial<Overview>) {
  const [first] = findingsOf({ ...well, ...change }, NOW);
  return first && { level: first.level, what: first.what, todo: first.todo, to: first.link?.href };
}

test('when all is well, nothing is found', () => {
  expect(findingsOf(well, NOW)).toEqual([]);
});

test.each<[string, Partial<Overview>, { level: 'bad' | 'warn'; what: RegExp; todo: RegExp; to?: string }]>([
  [
    'RabbitMQ is away',
    { servers: [{ server: 'rabbitmq', state: 'down', detail: 'connect ECONNREFUSED', members: null }], queues: null },
    { level: 'bad', what: /^RabbitMQ is down \(connect ECONNREFUSED\)\.$/, todo: /nothing is lost/ },
  ],
  [
    'MongoDB is away',
    { servers: [{ server: 'mongodb', state: 'down', detail: null, members: null }] },
    { level: 'bad', what: /^MongoDB is down\.$/, todo: /answers wait, and nothing is lost/ },
  ],
  [
    'a node of the cluster is away',
    {
      servers: [
        {
          server: 'rabbitmq',
          state: 'up',
          detail: null,
          members: [
            { name: 'rabbit@one', state: 'up', role: 'leads chat_requests', detail: null },
            { name: 'rabbit@two', state: 'down', role: null, detail: null },
          ],
        },
      ],
    },
    { level: 'warn', what: /^1 of 2 nodes of RabbitMQ need help: rabbit@two \(down\)\.$/, todo: /others do the work/ },
  ],
  [
    'Redis is away, so most is not known',
    {
      servers: [{ server: 'redis', state: 'down', detail: null, members: null }],
      processes: null,
      intake: null,
      gates: null,
      failures: null,
      jobs: null,
    },
    { level: 'bad', what: /^Redis is down\.$/, todo: /Bring it back/ },
  ],
  [
    'the only worker is dead',
    { processes: [{ ...worker, state: 'missing', silentSince: secondsAgo(20) }] },
    { level: 'bad', what: /No worker is alive/, todo: /start them/, to: '#/?to=processes' },
  ],
  [
    'one of two workers is dead',
    { processes: [worker, { ...worker, id: 'w-2', state: 'missing', silentSince: secondsAgo(20) }] },
    {
      level: 'warn',
      what: /^1 worker process fell silent .* the latest 20 s ago\.$/,
      todo: /log/,
      to: '#/?to=processes',
    },
  ],
  [
    'Redis has no memory left, and so has no heartbeats',
    {
      servers: [{ server: 'redis', state: 'down', detail: 'no memory left, so it takes no writes', members: null }],
      processes: [{ ...worker, state: 'missing', silentSince: secondsAgo(20) }],
    },
    {
      level: 'bad',
      what: /^Redis is down \(no memory left, so it takes no writes\)\.$/,
      todo: /more memory .* no eviction/,
      to: '#/?to=processes',
    },
  ],
  [
    'workers have died, but none of late',
    {
      processes: [
        worker,
        { ...worker, id: 'w-2', state: 'missing', silentSince: secondsAgo(300) },
        { ...worker, id: 'w-3', state: 'missing', silentSince: secondsAgo(240) },
      ],
    },
    { level: 'warn', what: /^2 worker processes fell silent .* latest 4 min ago/, todo: /memory limit/ },
  ],
  [
    'workers die again and again',
    {
      processes: [
        worker,
        { ...worker, id: 'w-2', state: 'missing', silentSince: secondsAgo(20) },
        { ...worker, id: 'w-3', state: 'missing', silentSince: secondsAgo(3) },
      ],
    },
    { level: 'bad', what: /^2 worker processes fell silent .* latest 3 s ago/, todo: /memory limit .* worker_crashed/ },
  ],
  [
    'the only provider refuses the key',
    { gates: [{ ...gate, state: 'shut', cause: 'key', keyFingerprint: '9f86d081' }] },
    {
      level: 'bad',
      what: /^openai gpt-4o is not asked: the provider refuses our key \(fingerprint 9f86d081\)\.$/,
      todo: /^Questions fail at once\. Set a good key \(OPENAI_API_KEY.* restart the workers\. Then retry/,
      to: '#/?to=providers',
    },
  ],
  [
    'the only provider has asked for a pause',
    {
      gates: [{ ...gate, state: 'shut', cause: 'retry-after', until: secondsAgo(-60) }],
      jobs: { waiting: 0, delayed: 207, active: 0, completed: 5, failed: 0 },
    },
    { level: 'bad', what: /asked for a pause\.$/, todo: /^207 questions wait meanwhile\..*by itself\. Next try: / },
  ],
  [
    'a worker may have died over the one call that tries the provider',
    { gates: [{ ...gate, state: 'probing', cause: 'failures', until: secondsAgo(60) }] },
    { level: 'bad', what: /is being tried again/, todo: /One call tries it now.*press Open\.$/ },
  ],
  [
    'one of two providers fails',
    { gates: [gate, { ...gate, gate: 'b', state: 'shut', cause: 'failures' }] },
    {
      level: 'warn',
      what: /b is not asked: too many calls failed/,
      todo: /The others are asked meanwhile/,
      to: '#/?to=providers',
    },
  ],
  [
    'somebody has paused the intake',
    { intake: { paused: true, since: secondsAgo(60), by: 'u' } },
    { level: 'bad', what: /intake is paused/, todo: /Resume/, to: '#/?to=intake' },
  ],
  [
    'somebody has paused queues of jobs',
    { pausedJobQueues: ['chat-1', 'chat-3'] },
    { level: 'bad', what: /queues of jobs are paused, .*: chat-1, chat-3\.$/, todo: /runbook/, to: '#/?to=queues' },
  ],
  [
    'no worker takes the questions in RabbitMQ',
    { queues: [{ queue: 'chat_requests', messages: 7, consumers: 0, notEmptyForMs: 9_000 }] },
    { level: 'bad', what: /^7 questions wait in RabbitMQ, and no worker takes them/, todo: /workers run/ },
  ],
  [
    'the line is long',
    { line: { waiting: 900, drainPerSecond: 1, etaMs: 900_000, oldestQuestionAgeMs: null } },
    { level: 'warn', what: /slow: 900 questions in line, .* about 15 min/, todo: /Add workers/ },
  ],
  [
    'a question is open that nobody has',
    {
      line: { waiting: 0, drainPerSecond: null, etaMs: 3, oldestQuestionAgeMs: 300_000 },
      jobs: { waiting: 0, delayed: 0, active: 0, completed: 5, failed: 0 },
    },
    { level: 'warn', what: /^A question has waited for 5 min\.$/, todo: /nothing to press/ },
  ],
  [
    'the model does not answer those that it was asked',
    {
      line: { waiting: 0, drainPerSecond: null, etaMs: 3, oldestQuestionAgeMs: 69_000 },
      jobs: { waiting: 0, delayed: 0, active: 30, completed: 5, failed: 0 },
    },
    {
      level: 'warn',
      what: /^A question has waited for 69 s\.$/,
      todo: /^Workers have 30 questions in hand, so the model has not answered/,
      to: '#/jobs?status=active',
    },
  ],
  [
    'questions have begun to fail',
    { failures: [failure('model_timeout', 12, 30)] },
    { level: 'warn', what: /the model took too long \(model_timeout\), 12 jobs/, todo: /retry/, to: '#/failures' },
  ],
  [
    'there is garbage on the queue',
    {
      queues: queuesWith({ 'chat_requests.dlq': 40 }),
      deadLetters: [{ queue: 'chat_requests', reason: 'not_json', count: 40 }],
    },
    {
      level: 'warn',
      what: /^40 dead letters\. The body is not JSON \(not_json\)\.$/,
      todo: /publisher/,
      to: '#/dead-letters/chat_requests',
    },
  ],
  [
    'garbage has just come, and nobody has looked at it yet',
    { queues: queuesWith({ 'chat_requests.dlq': 6 }) },
    { level: 'warn', what: /^6 new dead letters\.$/, todo: /within a minute/, to: '#/dead-letters/chat_requests' },
  ],
  [
    'much more garbage has come since the reasons were counted',
    {
      queues: queuesWith({ 'chat_requests.dlq': 3, 'chat_responses.dlq': 200 }),
      deadLetters: [{ queue: 'chat_requests', reason: 'not_json', count: 3 }],
    },
    {
      level: 'warn',
      what: /^200 new dead letters, 203 in all\.$/,
      todo: /within a minute/,
      to: '#/dead-letters/chat_responses',
    },
  ],
  [
    'there are dead letters whose users wait',
    {
      queues: queuesWith({ 'chat_requests.dlq': 40, 'chat_responses.dlq': 1 }),
      deadLetters: [
        { queue: 'chat_requests', reason: 'not_json', count: 40 },
        { queue: 'chat_responses', reason: 'invalid_signature', count: 1 },
      ],
    },
    {
      level: 'bad',
      what: /^41 dead letters\. 1 of them: .* no valid signature .* Users wait/,
      todo: /MESSAGE_SIGNING_KEY/,
      to: '#/dead-letters/chat_responses',
    },
  ],
])('when %s, the operator reads what is wrong and what to do', (_what, change, { level, what, todo, to }) => {
  expect(firstOf(change)).toEqual({
    level,
    what: expect.stringMatching(what),
    todo: expect.stringMatching(todo),
    to: to ?? expect.anything(),
  });
});

const standing = { queues: queuesWith({ 'chat_requests.dlq': 40 }) };
const goesIn = (days: number, withinWeek: number) => ({
  deadLettersExpire: [
    { queue: 'chat_requests' as const, oldestGoesAt: secondsAgo(-days * 86_400), withinWeek },
    { queue: 'chat_responses' as const, oldestGoesAt: secondsAgo(-20 * 86_400), withinWeek: 0 },
  ],
});

test('dead letters that are removed soon are told a week before, after what they are', () => {
  const [first, second, ...others] = findingsOf({ ...well, ...standing, ...goesIn(3, 7) }, NOW);
  expect(first?.what).toMatch(/^40 new dead letters/);
  expect(second).toMatchObject({
    level: 'warn',
    what: '7 dead letters of chat_requests will be removed for good within a week, the oldest in 3 days.',
    todo: expect.stringMatching(/Redrive .* DEAD_LETTER_RETENTION/),
    link: { href: '#/dead-letters/chat_requests' },
    runbook: 'HealifyDeadLettersExpire',
  });
  expect(others).toEqual([]);
  const due = findingsOf({ ...well, ...standing, ...goesIn(-1, 1) }, NOW);
  expect(due.at(-1)?.what).toMatch(/^1 dead letter of .*, the oldest now\.$/);
});

test('dead letters that stay for more than a week, or are gone, are not told to be removed', () => {
  expect(findingsOf({ ...well, ...standing, ...goesIn(8, 0) }, NOW)).toHaveLength(1);
  expect(findingsOf({ ...well, ...goesIn(3, 7) }, NOW)).toEqual([]);
});

test('dead letters that are gone since they were counted are no alarm', () => {
  expect(firstOf({ deadLetters: [{ queue: 'chat_requests', reason: 'empty', count: 1 }] })).toBeUndefined();
});

test('failures of long ago are no alarm', () => {
  expect(firstOf({ failures: [failure('model_timeout', 12, 3_600)] })).toBeUndefined();
});

test('what users feel comes before what can wait', () => {
  const findings = findingsOf(
    {
      ...well,
      queues: queuesWith({ 'chat_requests.dlq': 1 }),
      deadLetters: [{ queue: 'chat_requests', reason: 'empty', count: 1 }],
      pausedJobQueues: ['chat'],
    },
    NOW,
  );
  expect(findings.map(({ level }) => level)).toEqual(['bad', 'warn']);
});

test('a warning of the api that this page does not know is shown as it is', () => {
  expect(firstOf({ warnings: ['Something new.'] })).toMatchObject({ level: 'warn', what: 'Something new.' });
});
