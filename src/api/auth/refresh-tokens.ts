import { createHash, createHmac, randomBytes, randomUUID } from 'node:crypto';
import type { LoginClient, RefreshFamily, RefreshFamilyStore } from '../../adapters/logins/refresh-family-store.ts';
import { ApiError } from '../../contracts/errors.ts';
import { loginIdOf } from './logins.ts';

/** A refresh token, and the login that it belongs to. */
export interface RefreshToken {
  token: string;
  userId: string;
  /** Identifies the login in access tokens. Nobody can make a refresh token from it. */
  loginId: string;
  /** When the token was made, in seconds since 1970, on the clock of the api process that made it. */
  issuedAt: number;
  /**
   * When the login began, and when it ends at the latest, in ms since 1970, on the clock of the api process that began it.
   * undefined: an earlier version began it.
   */
  startedAt: number | undefined;
  endsAt: number;
}

/**
 * Refresh tokens. The tokens of a login are a family, and one of them is valid at a time. Each token is derived from
 * the previous one and a secret of the family. So from an old token and the secret we can compute the valid token. That
 * is how we recognise a token that is used twice. All methods reject with StoreUnavailableError if the store is out of
 * reach.
 */
export interface RefreshTokens {
  /** Begins a login: makes the first token of a new family. @param maxMs left out: as long as all logins may last */
  issue(userId: string, client: LoginClient, maxMs?: number): Promise<RefreshToken>;
  /**
   * Exchanges a token for the next one. For a grace period after its exchange, an old token gives the token that is
   * valid now, so that several tabs can refresh at the same time.
   * @param admit is called once the login is known, before the exchange. The exchange fails with what it rejects with
   * @throws ApiError invalid_refresh_token: its family has ended, or never had this token
   * @throws ApiError refresh_token_reused: it was exchanged before the grace period. This ends its login
   */
  rotate(token: string, admit: (loginId: string) => Promise<void>): Promise<RefreshToken>;
  /** Ends the login that the token belongs to, even if the token is no longer valid. Returns whose it was; undefined: it is unknown. */
  revoke(token: string): Promise<string | undefined>;
}

/** How many exchanges later a token is still recognised as one of its family. */
const MAX_GENERATIONS_BACK = 1_000;
const MAX_RECENT_ROTATIONS = 20;

/**
 * @param options.graceMs how long after its exchange a token still gives the valid one
 * @param options.maxMs how long a login lasts at most, however often its token is exchanged
 * @param options.endFamily ends a login, with its access tokens
 * @param options.onReuse hears whose login has ended because a token was used twice
 */
export function createRefreshTokens(options: {
  store: RefreshFamilyStore;
  graceMs: number;
  maxMs: number;
  endFamily: (id: string, userId: string) => Promise<void>;
  onReuse?: ((userId: string) => void) | undefined;
}): RefreshTokens {
  const { store, graceMs, maxMs, endFamily, onReuse = () => {} } = options;

  /** Makes the next token of a family; undefined if another request was faster. */
  async function exchange(found: Found, token: string): Promise<{ token: string; issuedAt: number } | undefined> {
    const { id, family, nowMs } = found;
    const { hash, generation, rotations } = family;
    const next = nextToken(found, token);
    const issuedAt = nowSeconds();
    const exchanged = await store.exchange(id, hash, {
      ...family,
      hash: sha256(next),
      generation: generation + 1,
      rotations: [nowMs, ...rotations.filter((at) => nowMs - at <= graceMs)].slice(0, MAX_RECENT_ROTATIONS),
      issuedAt,
    });
    return exchanged ? { token: next, issuedAt } : undefined;
  }

  async function find(token: string): Promise<Found | undefined> {
    const id = familyIdOf(token);
    const found = id === undefined ? undefined : await store.find(id);
    if (!found) return undefined;
    const { family, nowMs } = found;
    // A login that an earlier version began has no end. It gets one at its next exchange.
    const { endsAt = Date.now() + maxMs } = family;
    return Date.now() < endsAt ? { id: id!, family: { ...family, endsAt }, nowMs } : undefined;
  }

  return {
    issue: async (userId, client, loginMaxMs = maxMs) => {
      const id = randomUUID();
      const token = `${id}.${randomText()}`;
      const issuedAt = nowSeconds();
      const startedAt = Date.now();
      const endsAt = startedAt + Math.min(maxMs, loginMaxMs);
      const times = { issuedAt, startedAt, endsAt };
      await store.create(id, { userId, hash: sha256(token), secret: randomText(), ...times, client });
      return { token, userId, loginId: loginIdOf(id), ...times };
    },
    rotate: async (token, admit) => {
      for (let tries = 0; ; tries++) {
        const found = await find(token);
        const place = found && placeIn(found, token);
        if (!place) throw new ApiError('invalid_refresh_token');
        const { id, family, nowMs } = found;
        const { userId, startedAt, endsAt } = family;
        const login = { userId, loginId: loginIdOf(id), startedAt, endsAt };
        if (tries === 0) await admit(login.loginId);
        if (place.exchangesAgo === 0) {
          const next = await exchange(found, token);
          if (next) return { ...login, ...next };
          continue;
        }
        const exchangedAt = family.rotations[place.exchangesAgo - 1];
        if (exchangedAt !== undefined && nowMs - exchangedAt < graceMs) {
          return { ...login, token: place.validToken, issuedAt: family.issuedAt };
        }
        await endFamily(id, family.userId);
        onReuse(family.userId);
        throw new ApiError('refresh_token_reused');
      }
    },
    revoke: async (token) => {
      const found = await find(token);
      if (!found || !placeIn(found, token)) return undefined;
      await endFamily(found.id, found.family.userId);
      return found.family.userId;
    },
  };
}

/** A family, and when it was read: on the store's clock. */
interface Found {
  id: string;
  family: RefreshFamily & { endsAt: number };
  nowMs: number;
}

/**
 * Returns how many exchanges ago a token was valid, and the token that is valid now; undefined if it never was valid.
 */
function placeIn(found: Found, token: string): { exchangesAgo: number; validToken: string } | undefined {
  const { hash, generation } = found.family;
  let candidate = token;
  for (let exchangesAgo = 0; exchangesAgo <= Math.min(generation, MAX_GENERATIONS_BACK); exchangesAgo++) {
    if (sha256(candidate) === hash) return { exchangesAgo, validToken: candidate };
    candidate = nextToken(found, candidate);
  }
  return undefined;
}

const nextToken = ({ id, family }: Found, token: string) =>
  `${id}.${createHmac('sha256', family.secret).update(token).digest('base64url')}`;

const nowSeconds = () => Math.floor(Date.now() / 1000);

const randomText = () => randomBytes(32).toString('base64url');

const familyIdOf = (token: string) => /^([0-9a-f-]{36})\.[\w-]{43}$/.exec(token)?.[1];

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
