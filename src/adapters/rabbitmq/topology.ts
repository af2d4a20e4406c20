import type { ChannelModel } from 'amqplib';
import { queueArguments } from '../../contracts/queues.ts';

/** Declares the four queues. Idempotent; rejects where a queue exists with other arguments, or the connection is lost. */
export async function declareTopology(model: ChannelModel): Promise<void> {
  // Without listeners, a connection lost now or a refused declaration would end the process; the calls reject as well.
  model.on('error', () => {});
  // All calls but one: amqplib never says that a channel which was closing is lost.
  const { promise: lost, reject } = Promise.withResolvers<never>();
  model.once('close', (error?: Error) => reject(error ?? new Error('Connection closed')));
  await Promise.race([declare(model), lost]);
}

async function declare(model: ChannelModel): Promise<void> {
  const channel = await model.createChannel();
  channel.on('error', () => {});
  for (const [queue, args] of Object.entries(queueArguments)) {
    await channel.assertQueue(queue, { durable: true, arguments: args });
  }
  await channel.close();
}
