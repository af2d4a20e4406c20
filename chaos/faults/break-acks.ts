// Breaks api and workers on purpose, to see the harness fail. Deliveries are acknowledged before they are handled, and
// then wait for a while, as in a consumer that acknowledges too early. Whatever a process has in hand when it dies is
// lost.
import { join } from 'node:path';

const HELD_MS = 1_000;

interface Channel {
  consume(queue: string, handle: (message: unknown) => void, options?: object): Promise<unknown>;
  ack(): void;
}

// The package does not export this. Only a fault on purpose needs it.
const library = await import(join(import.meta.dirname, '../../node_modules/amqplib/lib/channel_model.js'));
const channel: Channel = library.Channel.prototype;
const { consume } = channel;
channel.consume = function (queue, handle, options) {
  const late = (message: unknown) => void setTimeout(() => handle(message), HELD_MS);
  return consume.call(this, queue, late, { ...options, noAck: true });
};
channel.ack = () => {};
