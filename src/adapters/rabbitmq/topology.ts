import type { ChannelModel } from 'amqplib';
import { queueArguments } from '../../contracts/queues.ts';

/** Declares the four queues. Idempotent; rejects where a queue exists with other arguments, or the connection is lost. */
export async function declareTopology(model: ChannelModel): Promise<void> {
  // amqplib never says that a channel which was closing is lost.
  const { promise: lost, reject } = Promise.withResolvers<never>();
  const onClose = (error?: Error) => reject(error ?? new Error('Connection closed'));
  model.once('close', onClose);
  try {
    await Promise.race([declare(model), lost]);
  } finally {
    model.off('close', onClose);
  }
}

async function declare(model: ChannelModel): Promise<void> {
  const channel = await model.createChannel();
  // Without a listener, a refused declaration would end the process; the call rejects as well.
  channel.on('error', () => {});
  for (const [queue, args] of Object.entries(queueArguments)) {
    await channel.assertQueue(queue, { durable: true, arguments: args });
  }
  await channel.close();
}
