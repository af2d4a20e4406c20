import { setTimeout as sleep } from 'node:timers/promises';
import { clockAt, shareUntil } from './day.ts';
import { eventAt } from './events.ts';
import type { Product } from './product.ts';
import { controlSimulator } from './simulator-control.ts';
import { type Counts, openTraffic } from './traffic.ts';
import { makeUsers } from './users.ts';

const TICK_MS = 100;
/** More would exceed the limit of questions for each user. */
const QUESTIONS_PER_USER = 30;
/** When the model is down, in hours. */
const OUTAGE = { from: 12 / 24, to: 13.5 / 24 };
/** All later calls must wait as well. */
const PAUSE = 'Is it late? [[simulate status=429 retry-after=120 times=1]]';

/**
 * Sends a day's traffic to a product that runs. At its end the model asks for a pause of two minutes.
 * @param day how many questions, and how long the day takes
 * @returns what was sent
 */
export async function sendDay(product: Product, day: { questions: number; lengthMs: number }): Promise<Counts> {
  const users = await makeUsers(Math.ceil(day.questions / QUESTIONS_PER_USER), product.env);
  const traffic = await openTraffic(product);
  const simulator = await controlSimulator(product.simulatorUrl);
  let sent = 0;
  let down = false;
  await simulator.ordinary();
  try {
    const startedAt = performance.now();
    for (let share = 0; share < 1; await sleep(TICK_MS)) {
      share = Math.min(1, (performance.now() - startedAt) / day.lengthMs);
      const isOutage = share >= OUTAGE.from && share < OUTAGE.to;
      if (isOutage !== down) await (isOutage ? simulator.outage() : simulator.ordinary());
      down = isOutage;
      for (const due = Math.round(day.questions * shareUntil(share)); sent < due; sent++) {
        traffic.send(eventAt(sent), users[sent % users.length]!);
      }
      say(
        `${clockAt(share)}  ${bar(share)}  ${traffic.counts.questions} questions${down ? '  the model is down' : ''}`,
      );
    }
    traffic.send({ kind: 'ask', what: 'pause', message: PAUSE }, users[0]!);
  } finally {
    await traffic.stop();
    await simulator.asBefore();
  }
  return traffic.counts;
}

/** In a terminal the line is written over the one before. */
function say(line: string): void {
  if (process.stdout.isTTY) process.stdout.write(`\r\x1b[K${line}`);
}

const bar = (share: number) => `[${'#'.repeat(Math.round(share * 24)).padEnd(24, '.')}]`;
