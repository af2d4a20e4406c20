import { ApiError } from '../../contracts/errors.ts';
import { limits } from '../../contracts/limits.ts';

/** How a stream reaches its reader: server-sent events, or a WebSocket. */
export const streamKinds = ['sse', 'ws'] as const;
export type StreamKind = (typeof streamKinds)[number];

/** The places for readers in this process. They bound how many streams a user may have open, of all kinds together. */
export interface StreamPlaces {
  /**
   * Takes a place.
   * @returns gives it back; call it once
   * @throws ApiError too_many_streams
   */
  take(userId: string, kind: StreamKind): () => void;
}

/** @param options.onCount called with the number of open streams of a kind, at first and whenever it changes */
export function createStreamPlaces({ onCount }: { onCount: (kind: StreamKind, open: number) => void }): StreamPlaces {
  const perUser = new Map<string, number>();
  const open = { sse: 0, ws: 0 };
  for (const kind of streamKinds) onCount(kind, 0);

  function count(userId: string, kind: StreamKind, change: 1 | -1): void {
    const ofUser = (perUser.get(userId) ?? 0) + change;
    if (ofUser === 0) perUser.delete(userId);
    else perUser.set(userId, ofUser);
    open[kind] += change;
    onCount(kind, open[kind]);
  }

  return {
    take: (userId, kind) => {
      if ((perUser.get(userId) ?? 0) >= limits.streamsPerUser) {
        throw new ApiError('too_many_streams', { retryAfterSeconds: 1 });
      }
      count(userId, kind, 1);
      return () => count(userId, kind, -1);
    },
  };
}
