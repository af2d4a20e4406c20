import { connect } from 'amqplib';
import { askModel } from '../contenders/ask-model.ts';
import { publish } from '../contenders/publish.ts';
import { type Request, responseTo, settings } from '../contenders/settings.ts';

// The limit of the model's client: the same as broker.ts, and the model is asked in between.
const connection = await connect(settings.rabbitMqUrl);
const channel = await connection.createConfirmChannel();
await channel.prefetch(settings.concurrency);
await channel.consume('chat_requests', async (message) => {
  if (!message) return;
  const request = JSON.parse(message.content.toString()) as Request;
  await publish(channel, 'chat_responses', responseTo(request, await askModel(request.message)));
  channel.ack(message);
});
