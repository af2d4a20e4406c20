import { aclNameOf, CLUSTER_COMMANDS, type RedisRights } from '../../contracts/redis-rights.ts';
import { everyPrimary, isCluster } from './nodes.ts';
import type { Redis, SingleRedis } from './redis.ts';

/**
 * Finds the rights that a connection's user lacks, as rules of ACL SETUSER. Many servers forbid the ACL commands, so it
 * does not use them. It queues every command in a transaction, and then discards the transaction. The server checks the
 * rights when a command is queued, and runs nothing. Costs a connection of its own and two round trips, in a
 * Cluster for each primary, as each has its own users.
 */
export async function missingRights(redis: Redis, rights: RedisRights): Promise<string[]> {
  const needed = isCluster(redis) ? { ...rights, commands: [...rights.commands, ...CLUSTER_COMMANDS] } : rights;
  const missing = await Promise.all(everyPrimary(redis).map((node) => missingOn(node, needed)));
  return [...new Set(missing.flat())];
}

async function missingOn(redis: SingleRedis, rights: RedisRights): Promise<string[]> {
  const probe = redis.duplicate({ retryStrategy: () => null, lazyConnect: true, enableReadyCheck: false });
  probe.on('error', () => {});
  const [someKey = ''] = Object.values(rights.keys);
  const [someChannel = ''] = Object.values(rights.channels);

  const lacks = async (right: RegExp, command: string, key = someKey, channel = someChannel): Promise<boolean> => {
    const [name = '', ...args] = command.replaceAll('KEY', key).replaceAll('CHANNEL', channel).split(' ');
    return await probe.call(name, ...args).then(
      () => false,
      (error: Error) => error.message.startsWith('NOPERM') && right.test(error.message),
    );
  };

  try {
    await probe.connect();
    if (await lacks(TO_RUN, 'MULTI')) return ['+multi'];
    const queued = rights.commands.filter((command) => !NOT_IN_TRANSACTIONS.has(aclNameOf(command)));
    const answers = await Promise.all([
      ...queued.map((command) => lacks(TO_RUN, command).then((is) => is && `+${aclNameOf(command)}`)),
      ...Object.entries(rights.keys).map(([pattern, key]) =>
        lacks(TO_KEYS, 'EXISTS KEY', key).then((is) => is && `~${pattern}`),
      ),
      ...Object.entries(rights.channels).map(([pattern, channel]) =>
        lacks(TO_CHANNELS, 'PUBLISH CHANNEL a', someKey, channel).then((is) => is && `&${pattern}`),
      ),
    ]);
    return answers.filter((rule) => rule !== false);
  } finally {
    probe.disconnect();
  }
}

// The wording of Redis 6.2 and 7.
const TO_RUN = /\brun the\b/;
const TO_KEYS = /\baccess (one of the keys|a key)\b/;
const TO_CHANNELS = /\baccess (one of the channels|a channel)\b/;
const NOT_IN_TRANSACTIONS = new Set(['multi', 'exec', 'discard', 'subscribe']);
