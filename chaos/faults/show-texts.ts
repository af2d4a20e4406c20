// Loaded into apis and workers on purpose, to see the search fail: what was published is shown in metrics, on pages and in traces.
import { ServerResponse } from 'node:http';
import { join } from 'node:path';

type Publish = (exchange: string, queue: string, body: Buffer, ...rest: unknown[]) => boolean;
type End = (chunk?: unknown, ...rest: unknown[]) => ServerResponse;

let published = '';

// The package does not export this. Only a fault on purpose needs it.
const library = await import(join(import.meta.dirname, '../../node_modules/amqplib/lib/channel_model.js'));
const channel: { publish: Publish } = library.ConfirmChannel.prototype;
const { publish } = channel;
channel.publish = function (exchange, queue, body, ...rest) {
  if (published === '') {
    const traces = `${process.env.OTEL_EXPORTER_OTLP_ENDPOINT}/v1/traces`;
    fetch(traces, { method: 'POST', body: body.toString() }).catch(() => {});
  }
  published = body.toString();
  return publish.call(this, exchange, queue, body, ...rest);
};

const shows = /^\/(metrics|admin)/;
const response = ServerResponse.prototype as unknown as { end: End };
const { end } = response;
response.end = function (this: ServerResponse, chunk, ...rest) {
  const isText = typeof chunk === 'string' || Buffer.isBuffer(chunk);
  const { originalUrl, url = '' } = this.req as typeof this.req & { originalUrl?: string };
  if (!isText || this.headersSent || !shows.test(originalUrl ?? url)) return end.call(this, chunk, ...rest);
  const text = `${chunk}\n# ${published}\n`;
  this.setHeader('Content-Length', Buffer.byteLength(text));
  return end.call(this, text, ...rest);
};
