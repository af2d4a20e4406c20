import { setTimeout as sleep } from 'node:timers/promises';
import { delaysOf, nowUs, timesIn } from './delays.ts';
import { readEvents } from './event-reader.ts';
import { setStreams, TOKENS_PER_SECOND } from './logs.ts';
import { startPart, tokensOfUsers } from './product.ts';
import type { Row } from './row.ts';

const STREAMS = 100;
const TOKENS = 200;
const USERS = 10;
const WARM_UP_MS = 12_000;
const MEASURED_MS = 40_000;

/**
 * Streams through the whole product: `POST /chat/send` with `Accept: text/event-stream`, RabbitMQ, a worker, the simulator, the
 * log, and back. Whenever a stream ends, another one begins, so streams begin and end all the time.
 */
export const firstToken: Row = async (servers, progress) => {
  await servers.reset();
  await setStreams(servers, TOKENS);
  const [api, worker] = await Promise.all([
    startPart('api', servers),
    startPart('worker', servers, { WORKER_CONCURRENCY: String(2 * STREAMS) }),
  ]);
  try {
    const users = await tokensOfUsers(USERS);
    const first: number[] = [];
    const all: number[] = [];
    let measuring = false;
    let asking = true;

    const ask = async (slot: number) => {
      await sleep((slot / STREAMS) * (TOKENS / TOKENS_PER_SECOND) * 1000);
      for (let round = 0; asking; round += 1) {
        let isFirst = true;
        const reader = readEvents({
          ...{ port: api.port, method: 'POST', path: '/chat/send', token: users[slot % USERS]! },
          body: JSON.stringify({ message: `Question ${slot}/${round}: how much water?`, cache: false }),
          onEvents: (text) => {
            const now = nowUs();
            const delays = timesIn(text).map((time) => (now - time) / 1000);
            if (measuring) all.push(...delays);
            if (measuring && isFirst) first.push(...delays.slice(0, 1));
            if (delays.length > 0) isFirst = false;
          },
        });
        await reader.begun;
        await reader.ended;
      }
    };
    const asked = Promise.all(Array.from({ length: STREAMS }, (_, slot) => ask(slot)));
    progress(`${STREAMS} streams begin`);
    await sleep(WARM_UP_MS);
    measuring = true;
    await Promise.race([sleep(MEASURED_MS), asked]);
    measuring = false;
    asking = false;
    await asked;
    const [begun, any] = [delaysOf(first), delaysOf(all)];
    progress(`${begun.tokens} first tokens, ${any.tokens} tokens`);
    return [
      { what: 'first token to first delta, median', measured: begun.median, unit: 'ms', goal: { below: 15 } },
      { what: 'first token to first delta, p99', measured: begun.p99, unit: 'ms', goal: { below: 60 } },
      { what: 'any token to its reader, median', measured: any.median, unit: 'ms', goal: { below: 60 } },
      { what: 'any token to its reader, p99', measured: any.p99, unit: 'ms', goal: { below: 150 } },
      { what: 'tokens a second', measured: any.tokens / (MEASURED_MS / 1000), unit: '' },
    ];
  } finally {
    await Promise.all([api.process.stop(), worker.process.stop()]);
  }
};
