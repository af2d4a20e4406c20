import type { ChannelModel } from 'amqplib';
import { queueArguments } from '../../contracts/queues.ts';

/** Declares the four queues. Idempotent; rejects where a queue exists with other arguments. */
export async function declareTopology(model: ChannelModel): Promise<void> {
  const channel = await model.createChannel();
  // Without a listener, a refused declaration would end the process; the call below rejects as well.
  channel.on('error', () => {});
  for (const [queue, args] of Object.entries(queueArguments)) {
    await channel.assertQueue(queue, { durable: true, arguments: args });
  }
  await channel.close();
}
