import { aclNameOf, CLUSTER_COMMANDS, inShell, rulesOf } from '../../src/contracts/redis-rights.ts';

/** The commands that make a Redis user for each process, with the smallest set of rights that it needs. */
export const redisUsers = () =>
  [
    '```bash',
    ...(['api', 'worker'] as const).map(
      (name) => `redis-cli ACL SETUSER healify-${name} on '>PASSWORD' ${rulesOf(name).map(inShell).join(' ')}`,
    ),
    '```',
    '',
    `In a Redis Cluster, make the users on every node, and give them also \`${CLUSTER_COMMANDS.map((command) => `+${aclNameOf(command)}`).join(' ')}\`.`,
  ].join('\n');

/**
 * The users of Redis in docker-compose, as its file of users has them. In place of the SHA-256 of each password stands the
 * name of the variable that holds it.
 */
export const redisUsersFile = () =>
  [
    'user default on #REDIS_PASSWORD ~* &* +@all',
    ...(['api', 'worker'] as const).map(
      (name) => `user healify-${name} on #REDIS_${name.toUpperCase()}_PASSWORD ${rulesOf(name).join(' ')}`,
    ),
    '',
  ].join('\n');
