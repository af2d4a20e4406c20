import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

// A collector that takes spans and throws them away. It ends with the process that has started it.
const server = createServer((request, response) => {
  request.resume().on('end', () => response.writeHead(200, { 'content-type': 'application/json' }).end('{}'));
});
server.listen(0, '127.0.0.1', () => process.send!((server.address() as AddressInfo).port));
process.on('disconnect', () => process.exit());
