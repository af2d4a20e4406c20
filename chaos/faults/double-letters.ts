// Breaks apis and workers on purpose, to see the harness fail: each dead letter is kept twice.
import { join } from 'node:path';

type Publish = (exchange: string, queue: string, body: Buffer, options?: object, onConfirm?: () => void) => boolean;

// The package does not export this. Only a fault on purpose needs it.
const library = await import(join(import.meta.dirname, '../../node_modules/amqplib/lib/channel_model.js'));
const channel: { publish: Publish } = library.ConfirmChannel.prototype;
const { publish } = channel;
channel.publish = function (exchange, queue, body, options, onConfirm) {
  if (queue.endsWith('.dlq')) publish.call(this, exchange, queue, body, options);
  return publish.call(this, exchange, queue, body, options, onConfirm);
};
