import type { ConfirmChannel } from 'amqplib';

/** Sends a persistent message, and waits for the broker's confirm. */
export const publish = (channel: ConfirmChannel, queue: string, value: { requestId: string }) =>
  new Promise<void>((resolve, reject) => {
    const options = { persistent: true, contentType: 'application/json', messageId: value.requestId };
    channel.sendToQueue(queue, Buffer.from(JSON.stringify(value)), options, (error) =>
      error ? reject(error) : resolve(),
    );
  });
