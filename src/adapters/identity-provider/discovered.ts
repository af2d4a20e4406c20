import { setTimeout as sleep } from 'node:timers/promises';
import { ProviderUnavailableError } from './identity-provider.ts';

const FRESH_MS = 3_600_000;
const TRIES = 3;
const PAUSE_MS = 300;

/**
 * Keeps what a provider publishes of itself. Its states:
 * - *unknown*, at first: whoever needs it waits while we ask, up to three times. All wait for the same questions.
 * - *fresh*, for an hour: it is used as it is.
 * - *stale*: it is used as it is, and we ask in the background. If the provider is away, it stays in use.
 *
 * @param discover asks once, and gives up in time
 * @returns a function that rejects with ProviderUnavailableError if it is unknown and the provider is away
 */
export function keepDiscovered<T>(discover: () => Promise<T>): () => Promise<T> {
  let known: { value: T; at: number } | undefined;
  let asking: Promise<T> | undefined;

  async function ask(): Promise<T> {
    for (let tries = 1; ; tries++) {
      try {
        const value = await discover();
        known = { value, at: performance.now() };
        return value;
      } catch (cause) {
        if (tries === TRIES) throw new ProviderUnavailableError(cause);
      }
      await sleep(PAUSE_MS * tries);
    }
  }

  function askTogether(): Promise<T> {
    asking ??= ask().finally(() => {
      asking = undefined;
    });
    return asking;
  }

  return async () => {
    if (!known) return await askTogether();
    if (performance.now() - known.at > FRESH_MS) askTogether().catch(() => {});
    return known.value;
  };
}
