import { createIntakeAdmin } from '../adapters/jobs/intake-pause.ts';
import type { IntakePause } from '../contracts/intake.ts';
import { auditedByCommand } from './commands/audit-trail.ts';
import { flagOption, printer, readArguments, runCommand, UsageError } from './commands/command.ts';
import { withRedis } from './commands/redis-connection.ts';

const HELP = `Intake: whether workers take questions from RabbitMQ. Reads REDIS_URL and NAMESPACE: from the environment, from .env, or
from what npm start has started. In the image: node dist/src/main/intake.js show

  npm run intake -- show      whether it is paused, since when, and by whom
  npm run intake -- pause     no worker takes questions any more; they wait in RabbitMQ
  npm run intake -- resume    all workers take questions again

  --json     print JSON
  --help

What workers have taken already is answered. A pause lasts until somebody resumes it, whatever is started again. Workers follow
within two seconds. Exits with 0 if all went well, 1 if something failed, 2 if the command is not understood.
`;

async function main(): Promise<void> {
  const { values, positionals } = readArguments({ json: flagOption });
  if (values.help) return void process.stdout.write(HELP);
  const [command, ...rest] = positionals;
  if (rest.length > 0) throw new UsageError(`unexpected argument: ${rest[0]}`);
  if (command !== 'show' && command !== 'pause' && command !== 'resume') {
    throw new UsageError(command ? `there is no command ${command}` : 'a command is missing: show, pause or resume');
  }
  await withRedis('healify-chat intake', async (redis) => {
    const admin = createIntakeAdmin(redis);
    const print = printer(values.json);
    if (command === 'show') return print(await admin.read(), intakeText);
    const event = { action: command === 'pause' ? ('intake.pause' as const) : ('intake.resume' as const) };
    const set = () => (command === 'pause' ? admin.pause('command') : admin.resume());
    const { intake } = await auditedByCommand('intake', event, set);
    print(intake, intakeText);
  });
}

const intakeText = ({ paused, since, by }: IntakePause) =>
  paused
    ? `paused since ${since}, by ${by}: questions wait in RabbitMQ\n`
    : 'not paused: workers take questions from RabbitMQ\n';

runCommand(main);
