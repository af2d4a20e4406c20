import { type ConsumeMessage, connect } from 'amqplib';
import { publish } from '../contenders/publish.ts';
import { type Request, responseTo, settings } from '../contenders/settings.ts';

// The limit of the broker: messages are read, answered with a confirmed publish, and acknowledged. Nothing else is
// done. Messages that arrived together are acknowledged together, as in the pipeline.
const connection = await connect(settings.rabbitMqUrl);
const channel = await connection.createConfirmChannel();
await channel.prefetch(settings.concurrency);
let arrived: ConsumeMessage[] = [];
await channel.consume('chat_requests', (message) => {
  if (!message) return;
  if (arrived.length === 0) setImmediate(answerArrived);
  arrived.push(message);
});

async function answerArrived(): Promise<void> {
  const messages = arrived;
  arrived = [];
  const requests = messages.map(({ content }) => JSON.parse(content.toString()) as Request);
  await Promise.all(requests.map((request) => publish(channel, 'chat_responses', responseTo(request, 'none'))));
  channel.ack(messages.at(-1)!, true);
}
