import { pipeline } from '../contenders.ts';
import { type DrainResult, drain } from '../drain.ts';
import { spread } from '../statistics.ts';
import type { Figure, Row } from './row.ts';

const CONCURRENCIES = [100, 500, 1_000];
const LATENCIES_MS = [0, 50];
const ROUNDS = 3;

/** Requests that nobody streams, while a worker works on many at once, as it must for streams. */
export const concurrency: Row = async (servers, progress) => {
  const figures: Figure[] = [];
  for (const latencyMs of LATENCIES_MS) {
    await servers.setModel({ latencyMs });
    const results = new Map<number, DrainResult[]>(CONCURRENCIES.map((atOnce) => [atOnce, []]));
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const atOnce of CONCURRENCIES) {
        const question = (i: number) => ({ message: `Question ${i}: how much water should I drink a day?` });
        const options = { model: 'http', warmUp: 1_500, messages: 3_000, question, concurrency: atOnce } as const;
        const result = await drain(servers, pipeline, options);
        progress(`model at ${latencyMs} ms, ${atOnce} at once: ${Math.round(result.perSecond)} msg/s`);
        results.get(atOnce)!.push(result);
      }
    }
    for (const [atOnce, measured] of results) {
      const of = `model at ${latencyMs} ms, ${atOnce} at once`;
      const median = (field: keyof DrainResult) => spread(measured.map((result) => result[field])).median;
      figures.push(
        { what: `${of}: messages a second`, measured: median('perSecond'), unit: '' },
        { what: `${of}: CPU of the worker`, measured: median('cpuMs'), unit: 'ms a message' },
        { what: `${of}: memory of the worker`, measured: median('memoryMb'), unit: 'MB' },
      );
    }
  }
  return figures;
};
