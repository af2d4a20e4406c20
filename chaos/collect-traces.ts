import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A collector of traces (OTLP over HTTP). It writes everything that comes into a file, as it comes. */
export async function startCollector(file: string): Promise<{ url: string; stop: () => Promise<void> }> {
  const received = createWriteStream(file);
  const server = createServer((request, response) => {
    request.on('data', (bytes) => received.write(bytes));
    request.on('end', () => response.writeHead(200, { 'Content-Type': 'application/x-protobuf' }).end());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: async () => {
      server.closeAllConnections();
      server.close();
      received.end();
      await once(received, 'close');
    },
  };
}
