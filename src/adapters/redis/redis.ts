import type { Cluster, Redis as SingleRedis } from 'ioredis';

/**
 * A connection to Redis: to one server, which Sentinels may have named, or to a Redis Cluster. In a Cluster, the keys of a
 * command, of a script and of a pipeline must share a slot, and a command without a key goes to any node.
 */
export type Redis = SingleRedis | Cluster;

/** A connection to one server. */
export type { SingleRedis };

/**
 * A connection in subscriber mode. It is to one server, also in a Cluster: there, every node passes on all messages. So whoever
 * listens knows when it was lost.
 */
export type Subscriber = SingleRedis;
