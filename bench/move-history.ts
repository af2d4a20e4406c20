import { createHash } from 'node:crypto';
import { createReadStream, statSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Redis } from 'ioredis';
import { createRedisHistoryArchive } from '../src/adapters/conversations/redis-history-archive.ts';
import { lineOf } from '../src/main/history/records.ts';
import { startGuarded } from '../tools/services/guarded-process.ts';
import { startRedis } from '../tools/services/redis.ts';
import { makeRunFolder, removeFolder } from '../tools/services/run-folder.ts';
import { makeSessions, RETENTION_MS } from './history/made-sessions.ts';
import { writeSessions } from './history/write-sessions.ts';
import { useMongoDb } from './mongodb.ts';
import { peakResidentBytes } from './usage.ts';

// Moves a large history from Redis to MongoDB and back with `npm run history`, and compares what has arrived with what there
// was: `npm run bench:move-history`. The first export and the first import are killed half way and called again.

const COMMAND = join(import.meta.dirname, '../src/main/history.ts');
const LOOK_EVERY_MS = 20;

const { values } = parseArgs({
  options: {
    turns: { type: 'string', default: '100000' },
    mongodb: { type: 'string', default: 'local' },
    help: { type: 'boolean', short: 'h' },
  },
});
if (values.help) {
  console.log(`Moves a history from Redis to MongoDB and back with npm run history, killed half way and called again. Exits with 1 if
anything is missing or has changed. Takes about a minute.

  npm run bench:move-history -- [--turns 100000] [--mongodb URL|local]

  --turns    how many turns are moved, of 1,000 users
  --mongodb  where to, in a database of its own that is not dropped; local: one is started, or FerretDB (default)
`);
  process.exit(0);
}
const turns = Number(values.turns);

const dir = makeRunFolder('bench');
const [from, to] = await Promise.all(['from', 'to'].map((name) => startRedis({ dir: join(dir, name) })));
const mongoDb = await useMongoDb(values.mongodb, dir);
const MONGODB_URL = `${mongoDb.url}/bench-move-${process.pid}`;

interface Step {
  seconds: number;
  peakMb: number;
}

/** Runs the command. @param isHalfWay once this is true, the command is killed */
async function history(args: string[], redisUrl: string, isHalfWay = () => false): Promise<Step> {
  const startedAt = performance.now();
  const command = await startGuarded(process.execPath, [COMMAND, ...args], {
    env: { PATH: process.env.PATH, REDIS_URL: redisUrl, MONGODB_URL },
  });
  let peak = 0;
  let killed = false;
  while (command.running) {
    peak = Math.max(peak, peakResidentBytes(command.pid) || 0);
    if (!killed && isHalfWay()) {
      killed = true;
      await command.kill();
    }
    await Promise.race([command.exited, sleep(LOOK_EVERY_MS)]);
  }
  if (!killed && command.exitCode !== 0) throw new Error(`history ${args.join(' ')} failed:\n${command.output()}`);
  const seconds = (performance.now() - startedAt) / 1000;
  return { seconds, peakMb: peak / 2 ** 20 };
}

/** The sessions of a file, each by its digest. Until when it is kept is told by the time that is left, so it differs. */
async function digestsOf(file: string): Promise<string[]> {
  const digests: string[] = [];
  for await (const line of createInterface({ input: createReadStream(file) })) {
    digests.push(
      createHash('sha256')
        .update(line.replace(/"keptUntil":"[^"]*"/, ''))
        .digest('base64'),
    );
  }
  return digests.sort();
}

const fileNamed = (name: string) => join(dir, `${name}.ndjson`);
const sizeOf = (file: string) => statSync(file, { throwIfNoEntry: false })?.size ?? 0;
const steps: Record<string, object> = {};
const note = (name: string, { seconds, peakMb }: Step) => {
  steps[name] = { seconds: Number(seconds.toFixed(1)), 'peak MB': Math.round(peakMb) };
  process.stderr.write(`${name}: ${seconds.toFixed(1)} s\n`);
};

const redis = new Redis(from!.url);
await writeSessions(
  createRedisHistoryArchive({ redis, retentionMs: RETENTION_MS }),
  makeSessions({ turns, users: 1_000 }),
);
redis.disconnect();
let bytes = 0;
for (const session of makeSessions({ turns, users: 1_000 })) bytes += lineOf({ kind: 'session', session }).length;
const [there, back] = [fileNamed('there'), fileNamed('back')];
const exportFrom = ['export', '--from', 'redis', '--file', there];
const importTo = ['import', '--to', 'mongodb', '--file', there];
try {
  note('export from Redis, killed half way', await history(exportFrom, from!.url, () => sizeOf(there) > bytes / 2));
  note('export from Redis, called again', await history(exportFrom, from!.url));
  const position = `${there}.imported`;
  note('import to MongoDB, killed soon', await history(importTo, from!.url, () => sizeOf(position) > 0));
  note('import to MongoDB, called again', await history(importTo, from!.url));
  note('export from MongoDB', await history(['export', '--from', 'mongodb', '--file', back], to!.url));
  note('import to Redis', await history(['import', '--to', 'redis', '--file', back], to!.url));
  const last = fileNamed('last');
  note('export from that Redis', await history(['export', '--from', 'redis', '--file', last], to!.url));

  const [first, ...others] = await Promise.all([there, back, last].map(digestsOf));
  const isSame = others.every((digests) => digests.join() === first!.join());
  console.log(`${turns} turns in ${first!.length} sessions of 1,000 users; MongoDB: ${mongoDb.name}`);
  console.table(steps);
  console.log(
    isSame ? 'All sessions have arrived unchanged, there and back.' : 'SESSIONS ARE MISSING OR HAVE CHANGED.',
  );
  if (!isSame) process.exitCode = 1;
} finally {
  await Promise.all([mongoDb.stop(), from!.stop(), to!.stop()]);
  removeFolder(dir);
}
