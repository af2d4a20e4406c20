import { setTimeout as sleep } from 'node:timers/promises';
import { peakResidentBytes, readUsage } from '../usage.ts';
import { delaysOf, nowUs, timesIn } from './delays.ts';
import { readEvents } from './event-reader.ts';
import { TOKENS_PER_SECOND } from './logs.ts';
import { startProducer } from './producers.ts';
import { startPart, tokensOfUsers } from './product.ts';
import type { Row } from './row.ts';

const ACTIVE = 500;
const IDLE = 2_000;
/** Each may have 50 streams. */
const USERS = 100;
const AT_ONCE = 50;
const WARM_UP_MS = 5_000;
const MEASURED_MS = 20_000;

/**
 * One api with many readers, each of another question. The logs of the active ones are written by a process that writes them as
 * workers do. Nobody works on the other questions.
 */
export const oneApi: Row = async (servers, progress) => {
  await servers.reset();
  // Another api takes the questions, so that this one has nothing but readers.
  const start = () => startPart('api', servers, { REQUEST_DEADLINE: '24h' });
  const [api, asked] = await Promise.all([start(), start()]);
  const users = await tokensOfUsers(USERS);
  const delays: number[] = [];
  let measuring = false;
  const onEvents = (text: string) => {
    if (!measuring) return;
    const now = nowUs();
    for (const time of timesIn(text)) delays.push((now - time) / 1000);
  };
  const ask = async (token: string): Promise<string> => {
    const response = await fetch(`http://127.0.0.1:${asked.port}/chat/send`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ message: 'How much water should I drink a day?', cache: false, stream: true }),
    });
    if (response.status !== 202) throw new Error(`POST /chat/send gave ${response.status}: ${await response.text()}`);
    return ((await response.json()) as { requestId: string }).requestId;
  };
  const read = async (number: number) => {
    const token = users[number % USERS]!;
    const requestId = await ask(token);
    const path = `/chat/requests/${requestId}/events`;
    const reader = readEvents({ port: api.port, method: 'GET', path, token, onEvents });
    await reader.begun;
    return { requestId, reader };
  };
  const readers: Awaited<ReturnType<typeof read>>[] = [];
  try {
    while (readers.length < ACTIVE + IDLE) {
      readers.push(...(await Promise.all(Array.from({ length: AT_ONCE }, (_, i) => read(readers.length + i)))));
    }
    await asked.process.stop();
    progress(`${readers.length} readers`);
    const producer = await startProducer('logs', {
      redisUrl: servers.redisUrl,
      ids: readers.slice(0, ACTIVE).map(({ requestId }) => requestId),
      tokensPerSecond: TOKENS_PER_SECOND,
      seconds: (WARM_UP_MS + MEASURED_MS) / 1000 + 5,
    });
    await sleep(WARM_UP_MS);
    const before = await readUsage(servers.redis, [api.process.pid]);
    measuring = true;
    await sleep(MEASURED_MS);
    measuring = false;
    const after = await readUsage(servers.redis, [api.process.pid]);
    await producer.kill();
    const { median, p99, max, tokens } = delaysOf(delays);
    return [
      { what: 'token to its reader, p99', measured: p99, unit: 'ms', goal: { below: 150 } },
      { what: 'token to its reader, median', measured: median, unit: 'ms' },
      { what: 'token to its reader, latest', measured: max, unit: 'ms' },
      {
        ...{ what: 'active readers', unit: '', goal: { least: 0.98 * ACTIVE } },
        measured: tokens / (MEASURED_MS / 1000) / TOKENS_PER_SECOND,
      },
      {
        ...{ what: 'memory of the api', unit: 'MB', goal: { below: 300 } },
        measured: peakResidentBytes(api.process.pid) / 2 ** 20,
      },
      { what: 'api, of a core', measured: ((after.cpuMs - before.cpuMs) / MEASURED_MS) * 100, unit: '%' },
    ];
  } finally {
    for (const { reader } of readers) reader.close();
    await Promise.all([api.process.stop(), asked.process.stop()]);
  }
};
