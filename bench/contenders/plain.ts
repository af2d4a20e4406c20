import { connect } from 'amqplib';
import { Redis } from 'ioredis';
import { readCache, writeCache } from './answer-cache.ts';
import { askModel } from './ask-model.ts';
import { publish } from './publish.ts';
import { type Request, responseTo, settings } from './settings.ts';

// Only a consumer: cache, model, cache, confirmed publish, acknowledgement. There is no job. So there is no backoff, a
// retry must end while the consumer still holds the message, and operators see nothing.
const redis = new Redis(settings.redisUrl);
const connection = await connect(settings.rabbitMqUrl);
const channel = await connection.createConfirmChannel();
await channel.prefetch(settings.concurrency);
await channel.consume('chat_requests', async (message) => {
  if (!message) return;
  const request = JSON.parse(message.content.toString()) as Request;
  let answer = await readCache(redis, request.message);
  if (answer === null) {
    answer = await askModel(request.message);
    await writeCache(redis, request.message, answer);
  }
  await publish(channel, 'chat_responses', responseTo(request, answer));
  channel.ack(message);
});
