import { createHash, createHmac, randomBytes, randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import { orStoreUnavailable, repliesOf } from '../../adapters/redis/connect-redis.ts';
import { defineScript, SERVER_TIME } from '../../adapters/redis/define-script.ts';
import { ApiError } from '../../contracts/errors.ts';
import { redisKeys } from '../../contracts/redis-keys.ts';

/** A refresh token, and the login that it belongs to. */
export interface RefreshToken {
  token: string;
  userId: string;
  /** Names the login in access tokens. It cannot be turned into a refresh token. */
  loginId: string;
  /** When it was made, in seconds since 1970, on the clock of the api that made it. */
  issuedAt: number;
}

/**
 * Refresh tokens. Each login is a family, of which one token is valid at a time. The next token is derived from the one
 * before it and a secret of the family. Redis keeps that secret and the valid token's hash, from which no token can be
 * made. All methods reject with StoreUnavailableError where Redis is out of reach.
 */
export interface RefreshTokens {
  /** The first token of a new family. */
  issue(userId: string): Promise<RefreshToken>;
  /**
   * Takes a token for the valid one of its family: the next one, or, for a token that was used within the time of grace,
   * the one that its first use has led to.
   * @throws ApiError invalid_refresh_token: there is no such family (any more), or it never had this token
   * @throws ApiError refresh_token_reused: the token was used before that, and its login is ended because of it
   */
  rotate(token: string): Promise<RefreshToken>;
  /** Ends the login that the token belongs or belonged to. A token that no login ever had ends nothing. */
  revoke(token: string): Promise<void>;
}

interface Family {
  id: string;
  userId: string;
  /** SHA-256 of the valid token. */
  hash: string;
  /** What the next token is derived with. */
  secret: string;
  /** How often the token was exchanged. */
  generation: number;
  /** When, in ms, newest first; only those that the time of grace reaches back to. */
  rotations: number[];
  /** When the valid token was made; see RefreshToken. */
  issuedAt: number;
  /** The server's clock, ms. */
  now: number;
}

/** How many generations back a token is still recognised as one of its family. */
const MAX_GENERATIONS_BACK = 1_000;
const MAX_RECENT_ROTATIONS = 20;

/** KEYS: the family. Returns the server's time in ms, and the family's fields. */
const readScript = defineScript(`${SERVER_TIME}
local family = redis.call('HMGET', KEYS[1], 'userId', 'hash', 'secret', 'generation', 'rotations', 'issuedAt')
return {now, family}
`);

/** KEYS: the family. ARGV: hash of the valid token, TTL in ms, fields and values. Returns 0 where another was faster. */
const swapScript = defineScript(`
if redis.call('HGET', KEYS[1], 'hash') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], unpack(ARGV, 3))
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
`);

/**
 * @param options.ttlMs how long a family lasts without a refresh
 * @param options.graceMs how long after its first use a token still gives what that gave
 * @param options.endLogin ends the login's access tokens
 */
export function createRefreshTokens(options: {
  redis: Redis;
  ttlMs: number;
  graceMs: number;
  endLogin: (loginId: string) => Promise<void>;
}): RefreshTokens {
  const { redis, ttlMs, graceMs, endLogin } = options;

  async function read(id: string): Promise<Family | undefined> {
    const [now, fields] = (await orStoreUnavailable(readScript(redis, [redisKeys.refreshFamily(id)], []))) as [
      number,
      (string | null)[],
    ];
    const [userId, hash, secret, generation, rotations, issuedAt] = fields;
    if (!userId || !hash) return undefined;
    return {
      id,
      userId,
      hash,
      secret: secret ?? randomText(),
      generation: Number(generation ?? 0),
      rotations: rotations ? (JSON.parse(rotations) as number[]) : [],
      issuedAt: Number(issuedAt ?? 0),
      now,
    };
  }

  /** Gives false where another has exchanged the token in the meantime. */
  async function swap(family: Family, next: string, issuedAt: number): Promise<boolean> {
    const { id, hash, secret, generation, rotations, now } = family;
    const recent = [now, ...rotations.filter((at) => now - at <= graceMs)].slice(0, MAX_RECENT_ROTATIONS);
    const fields = {
      hash: sha256(next),
      secret,
      generation: generation + 1,
      rotations: JSON.stringify(recent),
      issuedAt,
    };
    const swapped = swapScript(redis, [redisKeys.refreshFamily(id)], [hash, ttlMs, ...Object.entries(fields).flat()]);
    return (await orStoreUnavailable(swapped)) === 1;
  }

  /** The access tokens first: if the rest fails, the login can be ended again. */
  async function end({ id }: Family): Promise<void> {
    await endLogin(loginIdOf(id));
    await orStoreUnavailable(redis.del(redisKeys.refreshFamily(id)));
  }

  return {
    issue: async (userId) => {
      const id = randomUUID();
      const token = `${id}.${randomText()}`;
      const key = redisKeys.refreshFamily(id);
      const issuedAt = nowSeconds();
      await repliesOf(
        redis
          .multi()
          .hset(key, { userId, hash: sha256(token), secret: randomText(), generation: 0, issuedAt })
          .pexpire(key, ttlMs),
      );
      return { token, userId, loginId: loginIdOf(id), issuedAt };
    },
    rotate: async (token) => {
      const id = familyOf(token);
      for (;;) {
        const family = id && (await read(id));
        const place = family && placeIn(family, token);
        if (!place) throw new ApiError('invalid_refresh_token');
        const login = { userId: family.userId, loginId: loginIdOf(family.id) };
        if (place.usedAgo === 0) {
          const next = nextToken(family, token);
          const issuedAt = nowSeconds();
          if (await swap(family, next, issuedAt)) return { ...login, token: next, issuedAt };
        } else {
          const usedAt = family.rotations[place.usedAgo - 1];
          if (usedAt !== undefined && family.now - usedAt < graceMs) {
            return { ...login, token: place.valid, issuedAt: family.issuedAt };
          }
          await end(family);
          throw new ApiError('refresh_token_reused');
        }
      }
    },
    revoke: async (token) => {
      const id = familyOf(token);
      const family = id && (await read(id));
      if (family && placeIn(family, token)) await end(family);
    },
  };
}

/** How many rotations ago a token was valid, and the token that is valid now; undefined for one that never was. */
function placeIn(family: Family, token: string): { usedAgo: number; valid: string } | undefined {
  let valid = token;
  for (let usedAgo = 0; usedAgo <= Math.min(family.generation, MAX_GENERATIONS_BACK); usedAgo++) {
    if (sha256(valid) === family.hash) return { usedAgo, valid };
    valid = nextToken(family, valid);
  }
  return undefined;
}

const nextToken = ({ id, secret }: Family, token: string) =>
  `${id}.${createHmac('sha256', secret).update(token).digest('base64url')}`;

const nowSeconds = () => Math.floor(Date.now() / 1000);

const randomText = () => randomBytes(32).toString('base64url');

const familyOf = (token: string) => /^([0-9a-f-]{36})\.[\w-]{43}$/.exec(token)?.[1];

const loginIdOf = (familyId: string) => createHash('sha256').update(familyId).digest('base64url').slice(0, 22);

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
