import { createHash } from 'node:crypto';
import { type ConsumeMessage, connect } from 'amqplib';
import { Redis } from 'ioredis';
import { instantAnswer } from '../contenders/ask-model.ts';
import { publish } from '../contenders/publish.ts';
import { CACHE_SECONDS, type Request, responseTo, settings } from '../contenders/settings.ts';

// The limit of the broker and Redis: what a job that survives a death costs at least, each step for all messages that
// have come meanwhile. Written down before the message is acknowledged, the cache read; the answer written into the job
// and the cache before it is published; the job gone after the confirm. No line, retries, claims, cancellation, locks,
// deadlines or metrics.
const BEGIN = `
for i, key in ipairs(KEYS) do
  redis.call('HSET', ARGV[2 * i], 'data', ARGV[2 * i + 1])
end
redis.call('LPUSH', ARGV[1], unpack(KEYS))
return redis.call('MGET', unpack(KEYS))
`;
const KEEP = `
for i, key in ipairs(KEYS) do
  redis.call('HSET', ARGV[2 * i], 'answer', ARGV[2 * i + 1])
  redis.call('SET', key, ARGV[2 * i + 1], 'EX', ARGV[1])
end
`;
const END = `
for i = 2, #ARGV do redis.call('LREM', ARGV[1], -1, ARGV[i]) end
redis.call('DEL', unpack(KEYS))
`;
const ACTIVE = 'jobs:active';
/** Lua passes no more at once than some thousands. */
const MOST_AT_ONCE = 500;

const redis = new Redis(settings.redisUrl);
const scripts = await Promise.all([BEGIN, KEEP, END].map((lua) => redis.script('LOAD', lua) as Promise<string>));
const [begin, keep, end] = scripts.map(
  (sha) => (keys: string[], args: (string | number)[]) => redis.evalsha(sha, keys.length, ...keys, ...args),
) as [Script, Script, Script];
type Script = (keys: string[], args: (string | number)[]) => Promise<unknown>;

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
  const jobs = messages.map(({ content }) => {
    const data = content.toString();
    const request = JSON.parse(data) as Request;
    const hash = createHash('sha256').update(request.message).digest('hex');
    return { data, request, key: `job:${request.requestId}`, cacheKey: `answer:${hash}` };
  });
  const keys = jobs.map(({ key }) => key);
  const cacheKeys = jobs.map(({ cacheKey }) => cacheKey);
  const cached = (await begin(cacheKeys, [ACTIVE, ...jobs.flatMap(({ key, data }) => [key, data])])) as string[];
  // They come one after the other, and so are acknowledged all at once.
  channel.ack(messages.at(-1)!, true);
  const answers = jobs.map(({ request }, i) => cached[i] ?? instantAnswer(request.message));
  await keep(cacheKeys, [CACHE_SECONDS, ...answers.flatMap((answer, i) => [keys[i]!, answer])]);
  await Promise.all(jobs.map(({ request }, i) => publish(channel, 'chat_responses', responseTo(request, answers[i]!))));
  await end(keys, [ACTIVE, ...cacheKeys]);
}
