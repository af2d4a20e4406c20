import { INSTALLATION_KEY } from './redis-keys.ts';

/** The processes that have their own Redis user. The commands `users` and `gates` use the user of the api. */
export type RedisProcess = 'api' | 'worker';

export interface RedisRights {
  /** Commands, each with its smallest number of arguments. KEY stands for a key, CHANNEL for a channel. */
  commands: readonly string[];
  /** Patterns of keys, each with an example. */
  keys: Readonly<Record<string, string>>;
  channels: Readonly<Record<string, string>>;
}

/** Commands of every connection. */
const CONNECTION = [
  'PING',
  'SELECT 0',
  'CLIENT SETNAME a',
  'INFO',
  'MULTI',
  'EXEC',
  'DISCARD',
  'SUBSCRIBE CHANNEL',
  'UNSUBSCRIBE CHANNEL',
];

/** More commands of every connection to a Redis Cluster. */
export const CLUSTER_COMMANDS = ['CLUSTER SLOTS', 'CLUSTER INFO', 'ASKING'];

/** Commands that our scripts and BullMQ's use in both processes. A script may do only what its user may do. */
const SCRIPTS = `EVAL a 1 KEY|EVALSHA a 1 KEY|TIME|PUBLISH CHANNEL a
DEL KEY|EXISTS KEY|TYPE KEY|RENAME KEY KEY|PEXPIRE KEY 1|PTTL KEY
GET KEY|GETDEL KEY|GETRANGE KEY 0 0|SET KEY a|MGET KEY|INCR KEY|INCRBY KEY 1
HGET KEY a|HGETALL KEY|HMGET KEY a|HEXISTS KEY a|HKEYS KEY|HLEN KEY|HSTRLEN KEY a|HSET KEY a b|HSETNX KEY a b|HMSET KEY a b|HDEL KEY a|HINCRBY KEY a 1
LINDEX KEY 0|LLEN KEY|LPOS KEY a|LRANGE KEY 0 0|LPUSH KEY a|RPUSH KEY a|LPOP KEY|RPOP KEY|RPOPLPUSH KEY KEY|LREM KEY 0 a|LSET KEY 0 a|LTRIM KEY 0 0
SADD KEY a|SCARD KEY|SISMEMBER KEY a|SMISMEMBER KEY a|SMEMBERS KEY|SREM KEY a
ZADD KEY 1 a|ZCARD KEY|ZCOUNT KEY 0 0|ZPOPMIN KEY|ZRANGE KEY 0 0|ZRANGEBYSCORE KEY 0 0|ZRANK KEY a|ZREM KEY a|ZREMRANGEBYRANK KEY 0 0|ZREMRANGEBYSCORE KEY 0 0|ZREVRANGE KEY 0 0|ZREVRANGEBYSCORE KEY 0 0|ZSCORE KEY a
XADD KEY * a b|XTRIM KEY MAXLEN 0|XRANGE KEY - +|XREVRANGE KEY + -`.split(/[|\n]/);

const COMMON_KEYS = {
  [INSTALLATION_KEY]: INSTALLATION_KEY,
  '{healify}:*': '{healify}:chat:a',
  '{healify:*': '{healify:0}:chat:a',
  'ai:*': 'ai:a',
  '{ai:*': '{ai:answer:aa}:a',
  'keys:*': 'keys:data:a',
};
const COMMON_CHANNELS = { '*:chat:*': 'a:0:chat:a', '*:ai:*': 'a:0:ai:a', '*:keys:*': 'a:0:keys:a' };

/** The smallest set of rights for each process. A worker may read neither sessions nor accounts nor the audit trail. */
export const redisRights: Readonly<Record<RedisProcess, RedisRights>> = {
  api: {
    commands: [...CONNECTION, ...SCRIPTS, 'SCAN 0'],
    keys: {
      ...COMMON_KEYS,
      'chat:*': 'chat:a',
      '{chat:*': '{chat:session:a}:turns',
      'auth:*': 'auth:a',
      'audit:*': 'audit:trail',
      'rate:*': 'rate:a',
    },
    channels: { ...COMMON_CHANNELS, '*:auth:*': 'a:0:auth:a' },
  },
  worker: {
    commands: [...CONNECTION, ...SCRIPTS, 'BZPOPMIN KEY 1'],
    keys: COMMON_KEYS,
    channels: COMMON_CHANNELS,
  },
};

/** Returns the name of a command in an ACL rule. For `CLIENT SETNAME a` it is `client|setname`. */
export function aclNameOf(command: string): string {
  const [name = '', subcommand = ''] = command.toLowerCase().split(' ');
  return name === 'client' || name === 'cluster' ? `${name}|${subcommand}` : name;
}

/** Returns the rules for ACL SETUSER that give exactly these rights, and take away all others. */
export const rulesOf = (name: RedisProcess): string[] => {
  const { commands, keys, channels } = redisRights[name];
  return [
    ...['resetkeys', ...Object.keys(keys).map((pattern) => `~${pattern}`)],
    ...['resetchannels', ...Object.keys(channels).map((pattern) => `&${pattern}`)],
    ...['-@all', ...commands.map((command) => `+${aclNameOf(command)}`)],
  ];
};

/** A rule, quoted for a shell if it must be. */
export const inShell = (rule: string) => (/^[\w+|:@-]+$/.test(rule) ? rule : `'${rule}'`);
