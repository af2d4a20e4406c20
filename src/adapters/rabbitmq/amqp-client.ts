import type { EventEmitter } from 'node:events';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

export { connect, credentials } from 'amqplib';

// amqplib hands a connection out only after it has read all that has come behind the handshake. A broker that closes the
// connection in the same piece, or sends nonsense there, makes it emit an error that nobody can listen to yet, and Node
// ends the process. So each connection gets a listener as it is opened. Nothing is hidden by that: a connection that was
// closed rejects every call, and those that are handed out tell their own listeners.
const require = createRequire(import.meta.url);
// Not among what the package exports.
const { Connection } = require(join(dirname(require.resolve('amqplib')), 'lib/connection.js')) as {
  Connection: { prototype: EventEmitter & { open(...args: unknown[]): void } };
};
const { open } = Connection.prototype;
Connection.prototype.open = function openWithListener(...args) {
  this.on('error', () => {});
  open.apply(this, args);
};
