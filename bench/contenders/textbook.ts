import { connect } from 'amqplib';
import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { readCache, writeCache } from './answer-cache.ts';
import { askModel } from './ask-model.ts';
import { publish } from './publish.ts';
import { type Request, responseTo, settings } from './settings.ts';

// BullMQ as its documentation shows it: one `add` for each message, then its acknowledgement; and one worker.
const redis = new Redis(settings.redisUrl, { maxRetriesPerRequest: null });
const queue = new Queue<Request>('chat', { connection: redis });
const connection = await connect(settings.rabbitMqUrl);
const responses = await connection.createConfirmChannel();
const requests = await connection.createChannel();
await requests.prefetch(settings.concurrency);
await requests.consume('chat_requests', async (message) => {
  if (!message) return;
  const request = JSON.parse(message.content.toString()) as Request;
  await queue.add('chat', request, {
    jobId: request.requestId,
    attempts: 5,
    backoff: { type: 'exponential', delay: 1000 },
    removeOnComplete: { count: 20_000 },
    removeOnFail: { count: 100_000 },
  });
  requests.ack(message);
});

new Worker<Request>(
  'chat',
  async ({ data }) => {
    let answer = await readCache(redis, data.message);
    if (answer === null) {
      answer = await askModel(data.message);
      await writeCache(redis, data.message, answer);
    }
    await publish(responses, 'chat_responses', responseTo(data, answer));
  },
  { connection: redis, concurrency: settings.concurrency },
);
