import type { Router } from 'express';
import type { EndedLogins } from '../../adapters/logins/ended-logins.ts';
import type { RateLimit } from '../../adapters/rate-limits/rate-limit.ts';
import { byUser, limitRoute } from '../../api/rate-limit.ts';
import { createEventStreams, type EventStreams } from '../../api/realtime/event-streams.ts';
import { createRealtimeRouter, type RealtimeRouterOptions } from '../../api/realtime/routes.ts';
import type { AnswerOptions } from '../../api/realtime/socket/answer-message.ts';
import { createSockets, type Sockets, type SocketsOptions } from '../../api/realtime/socket/sockets.ts';
import { createStreamPlaces } from '../../api/realtime/stream-places.ts';
import type { ApiConfig } from '../../config/settings.ts';
import type { CutOffEvent } from '../../contracts/http/realtime-bodies.ts';
import type { ApiMetrics } from '../../observability/metrics.ts';

/** The ways in which readers get the events of answers while they are written. */
export function createRealtimeParts(
  options: Omit<AnswerOptions, 'onResumed'> &
    Pick<SocketsOptions, 'identify' | 'redeemTicket' | 'ready' | 'logger'> &
    Pick<RealtimeRouterOptions, 'authenticate' | 'tickets'> & {
      readLimit: RateLimit;
      endedLogins: Pick<EndedLogins, 'has' | 'onEnd'>;
      config: ApiConfig;
      metrics: ApiMetrics;
    },
): { streams: EventStreams; sockets: Sockets; router: Router } {
  const { readLimit, endedLogins, config, metrics } = options;
  const places = createStreamPlaces({ onCount: (kind, open) => metrics.streamsOpen.set({ kind }, open) });
  const onCutOff = (reason: CutOffEvent['reason']) => metrics.streamsCutOff.inc({ reason });
  const onResumed = () => metrics.streamsResumed.inc();
  const streams = createEventStreams({ places, hasEnded: endedLogins.has, onCutOff });
  const sockets = createSockets({
    ...options,
    ...{ places, onCutOff, onResumed },
    clockToleranceMs: config.jwtClockToleranceMs,
    basePath: config.basePath,
    corsOrigins: config.corsOrigins,
    trustProxy: config.trustProxy,
    onCount: (open) => metrics.socketsOpen.set(open),
    onEnd: (reason) => metrics.socketsEnded.inc({ reason }),
  });
  endedLogins.onEnd(streams.endLogin);
  endedLogins.onEnd(sockets.endLogin);
  const limitRead = limitRoute(readLimit, byUser);
  const router = createRealtimeRouter({ ...options, streams, sockets, onResumed, limitRead });
  return { streams, sockets, router };
}
