import { pino } from 'pino';
import { connectRabbitMq } from '../src/adapters/rabbitmq/connection.ts';

// The process that must live whatever a broker does: it connects as api and worker do, so many times, a few at once, and
// goes on to the next attempt when one has come to whatever end.
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
