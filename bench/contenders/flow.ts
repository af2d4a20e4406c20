import { connect } from 'amqplib';
import { FlowProducer, type Job, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { readCache, writeCache } from './answer-cache.ts';
import { askModel } from './ask-model.ts';
import { publish } from './publish.ts';
import { type Request, responseTo, settings } from './settings.ts';

// A BullMQ flow of three jobs for each message: one checks the cache, its parent asks the model, and the parent's
// parent publishes. Each job can be retried by itself.
const redis = new Redis(settings.redisUrl, { maxRetriesPerRequest: null });
const flows = new FlowProducer({ connection: redis });
const connection = await connect(settings.rabbitMqUrl);
const responses = await connection.createConfirmChannel();
const requests = await connection.createChannel();
const opts = { attempts: 5, backoff: { type: 'exponential', delay: 1000 }, removeOnComplete: { count: 20_000 } };

await requests.prefetch(settings.concurrency);
await requests.consume('chat_requests', async (message) => {
  if (!message) return;
  const data = JSON.parse(message.content.toString()) as Request;
  const cache = { name: 'cache', queueName: 'cache', data, opts };
  const model = { name: 'model', queueName: 'model', data, opts, children: [cache] };
  await flows.add({ name: 'publish', queueName: 'publish', data, opts, children: [model] });
  requests.ack(message);
});

const options = { connection: redis, concurrency: settings.concurrency };
const childValue = async (job: Job<Request>) => Object.values(await job.getChildrenValues<string | null>())[0] ?? null;

new Worker<Request>('cache', ({ data }) => readCache(redis, data.message), options);
new Worker<Request>(
  'model',
  async (job) => {
    const cached = await childValue(job);
    if (cached !== null) return cached;
    const answer = await askModel(job.data.message);
    await writeCache(redis, job.data.message, answer);
    return answer;
  },
  options,
);
new Worker<Request>(
  'publish',
  async (job) => publish(responses, 'chat_responses', responseTo(job.data, (await childValue(job)) ?? '')),
  options,
);
