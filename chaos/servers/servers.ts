import type { CutOffFrom } from '../../tools/services/network/orders.ts';
import type { Service } from '../../tools/services/service.ts';

/** What of the servers can be killed, and which of them can be cut off from the network. */
export type ServerVictim = 'redis' | 'rabbitmq' | 'sentinel' | 'mongodb';
export type CutVictim = 'redis' | 'rabbitmq';

/** The servers under the product. */
export interface Servers {
  /** The product's settings for them. */
  readonly settings: Record<string, string>;
  readonly redisUrl: string;
  /** Of all nodes, separated by commas. */
  readonly rabbitMqUrl: string;
  readonly apis: number;
  readonly workers: number;
  /** Whether callers reach the apis through a proxy that knows which of them are ready. */
  readonly behindProxy: boolean;
  /** Whether they promise no more than to survive one fault at a time. */
  readonly oneFaultAtATime: boolean;
  readonly victims: readonly ServerVictim[];
  /** The server that it is about at this moment, such as the primary of Redis. */
  serverOf(victim: ServerVictim): Promise<Pick<Service, 'kill' | 'start'>>;
  /** Cuts a server off from the network, if they are a cluster. Returns what ends this. */
  cutOff?(victim: CutVictim, from: CutOffFrom): Promise<() => Promise<void>>;
  /** Whether all of them run, and have what the others have. */
  areWhole(): Promise<boolean>;
  stop(): Promise<void>;
}
