import { pino } from 'pino';
import { connectRabbitMq } from '../src/adapters/rabbitmq/connection.ts';

// A process that connects to a broker as api and worker do, a given number of times, a few connections at once.
// Whatever the broker does, the process must go on to the next attempt.
const [url, attempts] = process.argv.slice(2);
const AT_ONCE = 8;

async function attempt(): Promise<void> {
  const { promise: ended, resolve: end } = Promise.withResolvers<void>();
  const connection = await connectRabbitMq({
    url: url!,
    name: 'test',
    logger: pino({ level: 'warn' }, { write: () => end() }),
  });
  void connection.ready().then(end, () => {});
  await ended;
  await connection.close();
}

let left = Number(attempts);
await Promise.all(
  Array.from({ length: AT_ONCE }, async () => {
    while (left-- > 0) await attempt();
  }),
);
process.stdout.write('lived\n');
process.exit(0);
