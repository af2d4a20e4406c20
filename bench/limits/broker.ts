import { connect } from 'amqplib';
import { publish } from '../contenders/publish.ts';
import { type Request, responseTo, settings } from '../contenders/settings.ts';

// The broker's limit: each message is read, answered with a confirmed publish and acknowledged, and nothing else.
const connection = await connect(settings.rabbitMqUrl);
const channel = await connection.createConfirmChannel();
await channel.prefetch(settings.concurrency);
await channel.consume('chat_requests', async (message) => {
  if (!message) return;
  await publish(channel, 'chat_responses', responseTo(JSON.parse(message.content.toString()) as Request, 'none'));
  channel.ack(message);
});
