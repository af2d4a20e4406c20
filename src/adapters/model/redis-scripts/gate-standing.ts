import type { GateCause } from '../../../contracts/gates.ts';

/**
 * The two keys of a gate.
 * - The gate itself is a hash; there is none while it is closed. `until` and `since` are ms of Redis's clock, `cause`
 *   is a `GateCause`, `key` is the fingerprint of the API key in use when it was shut, and `probes` counts the probes
 *   that have failed.
 * - The probe is the lease of the one worker that may try the model. It holds the id of that try.
 */
export type GateKeys = readonly [gate: string, probe: string];

/** What is noted when a gate is shut. */
export interface Shutting {
  ms: number;
  cause: GateCause;
  /** The fingerprint of our API key. */
  key: string;
}

/** The state of a gate that is not open. */
export interface GateStanding {
  /** ms until one call may try the model */
  leftMs: number;
  cause: GateCause;
  /** The fingerprint of the API key that was in use when it was shut. */
  key: string;
}

/** A standing as the scripts return it. */
export type RawStanding = [leftMs: number, cause: GateCause, key: string];

export const standingOf = ([leftMs, cause, key]: RawStanding): GateStanding => ({ leftMs, cause, key });
