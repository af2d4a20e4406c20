import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { findOrStartProduct, type Product } from './product.ts';
import { sendDay } from './send-day.ts';
import type { Counts } from './traffic.ts';

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

const { values } = parseArgs({
  options: {
    questions: { type: 'string', default: '1500' },
    seconds: { type: 'string', default: '60' },
    data: { type: 'string', default: join(import.meta.dirname, '../../.data') },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

async function run(): Promise<void> {
  const day = { questions: positive('questions'), lengthMs: positive('seconds') * 1000 };
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
  const counts = await sendDay(product, day);
  process.stdout.write(`\n${summaryOf(counts, product.apiUrl)}`);
  if (started) await started.exited;
}

function positive(name: 'questions' | 'seconds'): number {
  const value = Number(values[name]);
  if (value >= 1 && value <= 100_000) return Math.round(value);
  process.stderr.write(`--${name} must be a number from 1 to 100000\n`);
  process.exit(2);
}

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
