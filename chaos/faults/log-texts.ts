// Loaded into apis and workers on purpose, to see the harness fail: now and then a line of the log quotes what was sent.
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';

const EVERY = 10;

type Publish = (exchange: string, queue: string, body: Buffer, ...rest: unknown[]) => boolean;

// Not among what the package exports: only a fault on purpose needs it.
const library = await import(join(import.meta.dirname, '../../node_modules/amqplib/lib/channel_model.js'));
const channel: { publish: Publish } = library.ConfirmChannel.prototype;
const { publish } = channel;
let messages = 0;
channel.publish = function (exchange, queue, body, ...rest) {
  messages += 1;
  if (messages % EVERY === 0) {
    process.stdout.write(`${JSON.stringify({ level: 'info', requestId: randomUUID(), msg: body.toString() })}\n`);
  }
  return publish.call(this, exchange, queue, body, ...rest);
};
