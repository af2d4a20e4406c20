import { type ConsumeMessage, connect } from 'amqplib';
import { Redis } from 'ioredis';
import { keyOf } from '../contenders/answer-cache.ts';
import { instantAnswer } from '../contenders/ask-model.ts';
import { publish } from '../contenders/publish.ts';
import { CACHE_SECONDS, type Request, responseTo, settings } from '../contenders/settings.ts';

// The limit of the broker and Redis: the least that a job costs if it must survive the death of its process. Each step is
// done for all messages that arrived in the meantime. The job is written before its message is acknowledged, and the cache
// is read. The answer is written into the job and the cache before it is published. The job is removed after the confirm.
// There are no places in line, retries, claims, cancellations, locks, deadlines or metrics.
//
// KEYS: for each job, its key and the key of its answer in the cache. ARGV of the first script: the jobs' data. ARGV of the
// second: how many seconds an answer is kept, then the answers.
const BEGIN = `
local jobs, answers = {}, {}
for i = 1, #ARGV do
  jobs[i], answers[i] = KEYS[2 * i - 1], KEYS[2 * i]
  redis.call('HSET', jobs[i], 'data', ARGV[i])
end
redis.call('LPUSH', 'jobs:active', unpack(jobs))
return redis.call('MGET', unpack(answers))
`;
const KEEP = `
for i = 2, #ARGV do
  redis.call('HSET', KEYS[2 * i - 3], 'answer', ARGV[i])
  redis.call('SET', KEYS[2 * i - 2], ARGV[i], 'EX', ARGV[1])
end
`;
const END = `
for i, job in ipairs(KEYS) do redis.call('LREM', 'jobs:active', -1, job) end
redis.call('DEL', unpack(KEYS))
`;
/** Lua's `unpack` takes only some thousands of values at once. */
const MOST_AT_ONCE = 500;

const redis = new Redis(settings.redisUrl);
async function script(lua: string) {
  const sha = (await redis.script('LOAD', lua)) as string;
  return (keys: string[], args: (string | number)[]) => redis.evalsha(sha, keys.length, ...keys, ...args);
}
const [begin, keep, end] = await Promise.all([script(BEGIN), script(KEEP), script(END)]);

const connection = await connect(settings.rabbitMqUrl);
const channel = await connection.createConfirmChannel();
await channel.prefetch(settings.concurrency);
let arrived: ConsumeMessage[] = [];
await channel.consume('chat_requests', (message) => {
  if (!message) return;
  if (arrived.length === 0) setImmediate(takeArrived);
  arrived.push(message);
});

function takeArrived(): void {
  const messages = arrived;
  arrived = [];
  for (let at = 0; at < messages.length; at += MOST_AT_ONCE) void work(messages.slice(at, at + MOST_AT_ONCE));
}

async function work(messages: readonly ConsumeMessage[]): Promise<void> {
  const data = messages.map(({ content }) => content.toString());
  const requests = data.map((json) => JSON.parse(json) as Request);
  const jobs = requests.map(({ requestId }) => `job:${requestId}`);
  const keys = requests.flatMap(({ message }, i) => [jobs[i]!, keyOf(message)]);
  const cached = (await begin(keys, data)) as (string | null)[];
  // Deliveries come in order, so one acknowledgement is for all of them.
  channel.ack(messages.at(-1)!, true);
  const answers = requests.map(({ message }, i) => cached[i] ?? instantAnswer(message));
  await keep(keys, [CACHE_SECONDS, ...answers]);
  await Promise.all(requests.map((request, i) => publish(channel, 'chat_responses', responseTo(request, answers[i]!))));
  await end(jobs, []);
}
