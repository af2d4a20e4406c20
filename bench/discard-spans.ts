import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

// A collector that takes spans and throws them away. It prints its address, and ends with the process that has started it.
const server = createServer((request, response) => {
  request.resume().on('end', () => response.writeHead(200).end());
});
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`listening on http://127.0.0.1:${(server.address() as AddressInfo).port}\n`);
});
