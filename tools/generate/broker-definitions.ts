import { type BrokerRights, leastRights } from '../../src/contracts/broker-rights.ts';
import { queueArguments } from '../../src/contracts/queues.ts';

const VHOST = '/';
const ALL: BrokerRights = { configure: '.*', write: '.*', read: '.*' };

/**
 * The definitions that RabbitMQ imports at its start in docker-compose: what each user may do, and the queues. The users
 * of the processes may declare no queue, so the queues must be there before them. Passwords are no part of it.
 */
export const brokerDefinitions = () => ({
  vhosts: [{ name: VHOST }],
  permissions: [
    { user: 'healify', vhost: VHOST, ...ALL },
    ...(['api', 'worker'] as const).map((name) => ({ user: `healify-${name}`, vhost: VHOST, ...leastRights[name] })),
  ],
  queues: Object.entries(queueArguments).map(([name, args]) => ({
    name,
    vhost: VHOST,
    durable: true,
    auto_delete: false,
    arguments: args,
  })),
});
