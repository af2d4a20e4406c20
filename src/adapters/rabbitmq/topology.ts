import type { Channel, ChannelModel } from 'amqplib';
import { declaringRights } from '../../contracts/broker-rights.ts';
import { BrokerUnavailableError } from '../../contracts/errors.ts';
import { queueArguments } from '../../contracts/queues.ts';
import { explainRefusal, isNotFound, isRefusal } from './refusals.ts';

/**
 * Makes sure that the four queues exist. It looks for each queue first, which needs no right. A missing queue must be
 * declared. If the user has the right, an existing queue is declared as well, to check its arguments. Rejects if a
 * queue has other arguments, if a missing queue may not be declared, or if the connection is lost.
 */
export async function declareTopology(model: ChannelModel): Promise<void> {
  // If the connection is lost while a channel is closing, amqplib never ends the call.
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
  let channel: Channel | undefined;
  let mayDeclare = true;

  /**
   * Calls `ask` on a channel. RabbitMQ closes a channel on which it refuses something, so the next call opens another
   * one.
   */
  async function on<T>(ask: (channel: Channel) => Promise<T>): Promise<T> {
    channel ??= await openChannel(model);
    try {
      return await ask(channel);
    } catch (error) {
      channel = undefined;
      throw error;
    }
  }

  for (const [queue, args] of Object.entries(queueArguments)) {
    const isThere = await on((open) => open.checkQueue(queue)).then(
      () => true,
      (error: unknown) => {
        if (isNotFound(error)) return false;
        throw error;
      },
    );
    if (isThere && !mayDeclare) continue;
    try {
      await on((open) => open.assertQueue(queue, { durable: true, arguments: args }));
    } catch (error) {
      if (!isRefusal(error)) throw error;
      if (!isThere) {
        const why = explainRefusal(error, declaringRights);
        throw new BrokerUnavailableError(`there is no queue ${queue}, and ${why}`, { cause: error });
      }
      mayDeclare = false;
    }
  }
  await channel?.close();
}

async function openChannel(model: ChannelModel): Promise<Channel> {
  const channel = await model.createChannel();
  // Without a listener, a refusal would end the process. The call rejects as well.
  channel.on('error', () => {});
  return channel;
}
