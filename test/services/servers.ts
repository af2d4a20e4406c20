import type { RabbitMq } from '../../tools/services/rabbitmq.ts';
import type { Service } from '../../tools/services/service.ts';

/** Starts real servers for tests, by one of two ways. */
export interface Servers {
  startRedis(): Promise<Service>;
  startRabbitMq(): Promise<RabbitMq>;
}

export type Way = 'containers' | 'local';

export async function serversBy(way: Way): Promise<Servers> {
  return way === 'containers' ? await import('./container-servers.ts') : await import('./local-servers.ts');
}
