import type { ChannelModel } from 'amqplib';
import { queueArguments } from '../../contracts/queues.ts';

/** Declares the four queues. Idempotent; rejects where a queue exists with other arguments. */
export async function declareTopology(model: ChannelModel): Promise<void> {
  // Without listeners, a connection lost now or a refused declaration would end the process; the calls reject as well.
  model.on('error', () => {});
  const channel = await model.createChannel();
  channel.on('error', () => {});
  for (const [queue, args] of Object.entries(queueArguments)) {
    await channel.assertQueue(queue, { durable: true, arguments: args });
  }
  await channel.close();
}
