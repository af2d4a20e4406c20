import type { Redis } from 'ioredis';
import { redisKeys } from '../../contracts/redis-keys.ts';

/** The same question is being asked elsewhere, or this request is the one that asks. */
export type Claim = 'claimed' | 'under way';

/**
 * Single flight: of the requests with the same question, one asks the model and the others wait for its answer, in
 * whichever process they are. The claim is a lease, renewed while its holder lives: when it dies the lease runs out,
 * and one of the waiting takes over. Each operation is one round trip.
 */
export interface AnswerFlights {
  /** Claims the question for the request, or puts the request on the list of those that wait. */
  claim(hash: string, requestId: string): Promise<Claim>;
  /** Whether the request is on the list of those that wait, and so will be woken. */
  isAwaiting(hash: string, requestId: string): Promise<boolean>;
  /** Gives a claim up; gives the requests that wait, which are for the caller to wake. */
  release(hash: string, requestId: string): Promise<string[]>;
  /** How long to wait, in ms, for a holder that may have died. */
  readonly leaseMs: number;
  close(): void;
}

const LEASE_MS = 10_000;
const RENEW_MS = 3_000;

/** KEYS: the claim, those that wait. ARGV: requestId, lease in ms. A holder that comes again keeps its claim. */
const CLAIM = `
local holder = redis.call('GET', KEYS[1])
if not holder or holder == ARGV[1] then
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
  redis.call('SREM', KEYS[2], ARGV[1])
  return 1
end
redis.call('SADD', KEYS[2], ARGV[1])
redis.call('PEXPIRE', KEYS[2], ARGV[2] * 2)
return 0
`;

/** KEYS: the claim, those that wait. ARGV: requestId. */
const RELEASE = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return {} end
local waiting = redis.call('SMEMBERS', KEYS[2])
redis.call('DEL', KEYS[1], KEYS[2])
return waiting
`;

/** KEYS: the claim. ARGV: requestId, lease in ms. */
const RENEW = `
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return 0
`;

export function createAnswerFlights({ redis }: { redis: Redis }): AnswerFlights {
  const held = new Map<string, string>();
  const renewal = setInterval(() => {
    for (const [hash, requestId] of held) {
      // A lease that cannot be renewed runs out, and then the question may be asked twice.
      redis.eval(RENEW, 1, redisKeys.asking(hash), requestId, LEASE_MS).catch(() => {});
    }
  }, RENEW_MS);
  renewal.unref();

  return {
    leaseMs: LEASE_MS,
    claim: async (hash, requestId) => {
      const claimed = await redis.eval(CLAIM, 2, redisKeys.asking(hash), redisKeys.awaiting(hash), requestId, LEASE_MS);
      if (claimed !== 1) return 'under way';
      held.set(hash, requestId);
      return 'claimed';
    },
    isAwaiting: async (hash, requestId) => (await redis.sismember(redisKeys.awaiting(hash), requestId)) === 1,
    release: async (hash, requestId) => {
      if (held.get(hash) === requestId) held.delete(hash);
      return (await redis.eval(RELEASE, 2, redisKeys.asking(hash), redisKeys.awaiting(hash), requestId)) as string[];
    },
    close: () => clearInterval(renewal),
  };
}
