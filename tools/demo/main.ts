import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { clockAt, shareUntil } from './day.ts';
import { eventAt } from './events.ts';
import { findOrStartProduct, type Product } from './product.ts';
import { controlSimulator } from './simulator-control.ts';
import { type Counts, openTraffic } from './traffic.ts';
import { makeUsers } from './users.ts';

const HELP = `Sends a day's mixed traffic in a minute, so that every screen has something to show.

  npm run demo
  npm run demo -- --questions 500 --seconds 30    fewer, and a shorter day; 1500 questions in 60 s unless you say so
  npm run demo -- --data DIR                      the product that runs with this data folder (npm start -- --data DIR)

It uses the product that npm start runs, or starts it, and then runs it until Ctrl-C. The simulator answers; a real model is never
asked. Users ask new questions, old ones and follow-ups, and cancel some. Other services ask over RabbitMQ. Some calls fail and are
retried, some requests fail for good, and some messages are garbage. At noon the model is down for a while. At the end it asks for a
pause of two minutes, so that its gate is shut.

What it has sent stays: failed jobs, dead letters, and sessions of the users demo-user-01 and so on.
`;

const TICK_MS = 100;
/** Fewer would exceed the limit of questions for each user. */
const QUESTIONS_PER_USER = 30;
/** When the model is down, in hours. */
const OUTAGE = { from: 12 / 24, to: 13.5 / 24 };
/** All later calls must wait as well. */
const PAUSE = 'Is it late? [[simulate status=429 retry-after=120]]';

const { values } = parseArgs({
  options: {
    questions: { type: 'string', default: '1500' },
    seconds: { type: 'string', default: '60' },
    data: { type: 'string', default: join(import.meta.dirname, '../../.data') },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

async function run(): Promise<void> {
  const [events, seconds] = [positive('questions'), positive('seconds')];
  let product: Product;
  try {
    product = await findOrStartProduct(resolve(values.data));
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    process.exit(1);
  }
  const { started } = product;
  const stop = async () => {
    await started?.stop();
    process.exit(0);
  };
  process.once('SIGINT', stop).once('SIGTERM', stop);
  await sendDay(product, events, seconds * 1000);
  if (started) await started.exited;
}

async function sendDay(product: Product, events: number, lengthMs: number): Promise<void> {
  const users = await makeUsers(Math.ceil(events / QUESTIONS_PER_USER), product.env);
  const traffic = await openTraffic(product);
  const simulator = await controlSimulator(product.simulatorUrl);
  let sent = 0;
  let down = false;
  await simulator.ordinary();
  try {
    const startedAt = performance.now();
    for (let day = 0; day < 1; await sleep(TICK_MS)) {
      day = Math.min(1, (performance.now() - startedAt) / lengthMs);
      const isOutage = day >= OUTAGE.from && day < OUTAGE.to;
      if (isOutage !== down) await (isOutage ? simulator.outage() : simulator.ordinary());
      down = isOutage;
      for (const due = Math.round(events * shareUntil(day)); sent < due; sent++) {
        traffic.send(eventAt(sent), users[sent % users.length]!);
      }
      say(`${clockAt(day)}  ${bar(day)}  ${traffic.counts.questions} questions${down ? '  the model is down' : ''}`);
    }
    traffic.send({ kind: 'ask', what: 'pause', message: PAUSE }, users[0]!);
  } finally {
    await traffic.stop();
    await simulator.asBefore();
  }
  process.stdout.write(`\n${summaryOf(traffic.counts, product.apiUrl)}`);
}

function positive(name: 'questions' | 'seconds'): number {
  const value = Number(values[name]);
  if (value >= 1 && value <= 100_000) return Math.round(value);
  process.stderr.write(`--${name} must be a number from 1 to 100000\n`);
  process.exit(2);
}

/** In a terminal the line is written over the one before. */
function say(line: string): void {
  if (process.stdout.isTTY) process.stdout.write(`\r\x1b[K${line}`);
}

const bar = (share: number) => `[${'#'.repeat(Math.round(share * 24)).padEnd(24, '.')}]`;

function summaryOf({ questions, byKind, refused }: Counts, apiUrl: string): string {
  const list = (counts: Record<string, number>) =>
    Object.entries(counts)
      .map(([name, count]) => `${name} ${count}`)
      .join(', ') || 'none';
  return `The day is over: ${questions} questions.
  sent      ${list(byKind)}
  refused   ${list(refused)}
The model has asked for a pause of two minutes, so its gate is shut, and questions wait. Look now:
  operations page   ${apiUrl}/admin
  failed jobs       ${apiUrl}/admin/queues
  dead letters      npm run dlq -- list
  gates             npm run gates -- list
`;
}

if (values.help) process.stdout.write(HELP);
else await run();
