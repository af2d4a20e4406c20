import { createGateAdmin } from '../adapters/model/gate-admin.ts';
import { cutText } from '../contracts/cut-text.ts';
import { type Gate, shutGateBody } from '../contracts/gates.ts';
import { auditedByCommand } from './commands/audit-trail.ts';
import { flagOption, printer, readArguments, runCommand, textOption, UsageError } from './commands/command.ts';
import { withRedis } from './commands/redis-connection.ts';

const HELP = `Gates: whether each model provider may be asked, for all workers together. Reads REDIS_URL and NAMESPACE: from the
environment, from .env, or from what npm start has started. In the image: node dist/src/main/gates.js list

  npm run gates -- list         all gates: open (calls pass), shut (no calls pass), probing (one call tries the model)
  npm run gates -- open GATE    let calls pass again at once; GATE as list shows it, or --all
  npm run gates -- shut GATE    stop all calls for a while; then one call tries the model

  --all      open: all gates
  --for AGE  shut: for how long: 30s, 15m, 1h; 1h by default, 24h at most
  --json     print JSON
  --help

Causes: failures (too many calls failed), retry-after (the provider asked for a pause), operator, and for a provider that fails
everybody: key (it refuses our key), quota (our quota or credit is used up) or model (no such model or address).
A provider is never asked with no-region or no-agreement: the settings do not let texts go there.
Exits with 0 if all went well, 1 if something failed, 2 if the command is not understood.
`;

async function main(): Promise<void> {
  const { values, positionals } = readArguments({ all: flagOption, for: textOption, json: flagOption });
  if (values.help) return void process.stdout.write(HELP);
  const [command, name, ...rest] = positionals;
  if (rest.length > 0) throw new UsageError(`unexpected argument: ${rest[0]}`);
  if (command !== 'list' && command !== 'open' && command !== 'shut') {
    throw new UsageError(command ? `there is no command ${command}` : 'a command is missing: list, open or shut');
  }
  if (values.for !== undefined && command !== 'shut') throw new UsageError('--for belongs to shut');
  if (command === 'list' && (name !== undefined || values.all)) throw new UsageError('list takes no gate');
  if (command === 'open' && (name === undefined) === !values.all)
    throw new UsageError('name the gate to open, or add --all');
  if (command === 'shut' && (name === undefined || values.all)) throw new UsageError('name the gate to shut');

  await withRedis('healify-chat gates', async (redis) => {
    const gates = createGateAdmin(redis);
    const print = printer(values.json);
    if (command === 'list') return print(await gates.list(), listText);
    if (command === 'shut') {
      const forMs = shutForMs(name!, values.for);
      const shut = await auditedByCommand(
        'gates',
        { ...changeOf('gate.shut', name!), details: { filter: { forMs } } },
        () => gates.shut(name!, forMs),
      );
      if (!shut) throw new Error(`there is no gate ${name}; list shows them`);
      return print(shut, ({ gate, until, cause }) => `${gate}: shut because of ${cause}, until ${until}\n`);
    }
    const names = values.all ? (await gates.list()).map(({ gate }) => gate) : [name!];
    const opened = [];
    for (const each of names) {
      const result = await auditedByCommand('gates', changeOf('gate.open', each), () => gates.open(each));
      if (!result) throw new Error(`there is no gate ${each}; list shows them`);
      opened.push(result);
    }
    print(opened, openedText);
  });
}

const changeOf = (action: 'gate.open' | 'gate.shut', gate: string) => ({
  action,
  subject: { kind: 'gate' as const, id: cutText(gate, 256) },
});

function shutForMs(gate: string, time: string | undefined): number {
  const parsed = shutGateBody.safeParse({ gate, for: time });
  if (!parsed.success) throw new UsageError(`--for: ${parsed.error.issues[0]!.message}`);
  return parsed.data.for;
}

function listText(gates: Gate[]): string {
  if (gates.length === 0) return 'No worker has run within a day, so there is no gate to show.\n';
  return gates
    .map(({ gate, state, cause, since, until, keyFingerprint }) => {
      if (state === 'open') return `${gate}: open, it may be asked\n`;
      if (since === null && until === null) return `${gate}: never asked because of ${cause}\n`;
      const key = keyFingerprint ? `, key ${keyFingerprint}` : '';
      return `${gate}: ${state} because of ${cause}, since ${since}, until ${until}${key}\n`;
    })
    .join('');
}

const openedText = (opened: { gate: string; wasShut: boolean }[]) =>
  opened.map(({ gate, wasShut }) => `${gate}: ${wasShut ? 'may be asked again' : 'could be asked already'}\n`).join('');

runCommand(main);
