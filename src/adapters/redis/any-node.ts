import { createConnection } from 'node:net';
import { type ConnectionOptions, connect } from 'node:tls';
import { AbstractConnector } from 'ioredis';
import type { RedisNode } from '../../contracts/redis-address.ts';

const DISCONNECT_TIMEOUT_MS = 2_000;

/**
 * Returns a connector of ioredis that connects to any of the nodes, at each try to another one at random. So a connection that is
 * lost with its node is made again with a node that lives.
 * @param tls undefined: without TLS
 */
export const anyNodeOf = (nodes: readonly RedisNode[], tls: ConnectionOptions | undefined) =>
  class AnyNode extends AbstractConnector {
    constructor() {
      super(DISCONNECT_TIMEOUT_MS);
    }

    async connect() {
      this.connecting = true;
      const node = nodes[Math.floor(Math.random() * nodes.length)]!;
      this.stream = tls ? connect({ ...node, ...tls }) : createConnection(node);
      this.stream.once('error', (error) => {
        this.firstError = error;
      });
      return this.stream;
    }
  };
