/**
 * Counts what a connection sends. It may send `atOnce` messages at once, and `perSecond` in each second after that.
 * @returns whether another message is allowed now
 */
export function createMessageRate(
  { atOnce, perSecond }: { atOnce: number; perSecond: number },
  nowMs: () => number = () => performance.now(),
): () => boolean {
  let left = atOnce;
  let countedAt = nowMs();
  return () => {
    const now = nowMs();
    left = Math.min(atOnce, left + ((now - countedAt) / 1_000) * perSecond);
    countedAt = now;
    if (left < 1) return false;
    left -= 1;
    return true;
  };
}
