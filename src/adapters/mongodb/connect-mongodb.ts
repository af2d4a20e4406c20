import { setTimeout as sleep } from 'node:timers/promises';
import type { Db, MongoClient, ServerDescription, TopologyDescription } from 'mongodb';
import type { Logger } from 'pino';
import { safeMessage } from '../../contracts/safe-message.ts';
import type { ServerMember } from '../../contracts/server-members.ts';
import { driver } from './driver.ts';
import { membersOf } from './members.ts';

/** How often the driver looks at each server while nothing else happens. */
const HEARTBEAT_MS = 3_000;
const STILL_WAITING_MS = 10_000;
const CONNECT_AGAIN_AFTER_MS = 1_000;

export interface MongoDbConnection {
  readonly db: Db;
  /** The members of its replica set, as they were seen last. */
  members(): ServerMember[];
  close(): Promise<void>;
}

/**
 * Connects to MongoDB in the background. If no server can be written to, the driver looks for one without an end. The log
 * says once that there is none, and once that there is one again. Meanwhile commands fail after `commandTimeoutMs`, and so
 * does a command that gets no reply. A command that is tried once more takes twice as long.
 * @param options.replyTimeoutMs how long a reply may take, where it may take longer than `commandTimeoutMs`
 * @param options.url mongodb:// or mongodb+srv://, with user, password and database; several hosts are one replica set
 * @param options.ca for TLS: the authority that signed the server's certificate, in PEM. Left out: those that Node trusts
 */
export function connectMongoDb(options: {
  url: string;
  ca?: Buffer | undefined;
  name: string;
  logger: Logger;
  commandTimeoutMs: number;
  replyTimeoutMs?: number | undefined;
  connectTimeoutMs: number;
  maxPoolSize: number;
  retryWrites: boolean;
  writeConcern: 'majority' | number;
  /** Called whenever there begins or stops to be a server that can be written to. */
  onUp?: (up: boolean) => void;
  /** Called after each command. failed: also if only some of its writes have failed. */
  onCommand?: ((command: string, ms: number, result: 'ok' | 'failed') => void) | undefined;
}): MongoDbConnection {
  const { url, ca, name, logger, commandTimeoutMs, onUp = () => {} } = options;
  const client = new (driver().MongoClient)(url, {
    appName: name,
    ...(ca && { ca }),
    serverSelectionTimeoutMS: commandTimeoutMs,
    waitQueueTimeoutMS: commandTimeoutMs,
    socketTimeoutMS: options.replyTimeoutMs ?? commandTimeoutMs,
    connectTimeoutMS: options.connectTimeoutMs,
    heartbeatFrequencyMS: HEARTBEAT_MS,
    maxPoolSize: options.maxPoolSize,
    retryWrites: options.retryWrites,
    writeConcern: { w: options.writeConcern, wtimeoutMS: commandTimeoutMs },
    // What was acknowledged by a majority cannot be rolled back, and a user reads what they have written.
    readPreference: 'primary',
    ignoreUndefined: true,
    monitorCommands: options.onCommand !== undefined,
  });
  if (options.onCommand) reportCommands(client, options.onCommand);

  let members: ServerMember[] = [];
  /** Whether a login was accepted. Without one, a server says all the same that it can be written to. */
  let loggedIn = false;
  let writable = false;
  let up = false;
  let lastProblem: string | undefined;
  let lastSaidAt = 0;
  const report = () => {
    if ((loggedIn && writable) === up) return;
    up = !up;
    onUp(up);
    if (up) logger.info({ connection: name }, 'connected to MongoDB');
    else logger.warn({ connection: name }, 'lost MongoDB, connecting again');
    lastProblem = undefined;
  };
  client.on('topologyDescriptionChanged', ({ newDescription }) => {
    members = membersOf(newDescription);
    writable = hasWritableServer(newDescription);
    report();
  });
  const sayWhyItWaits = (failure: unknown) => {
    const problem = safeMessage(failure);
    const now = performance.now();
    if (up || (problem === lastProblem && now - lastSaidAt < STILL_WAITING_MS)) return;
    lastProblem = problem;
    lastSaidAt = now;
    logger.warn({ connection: name, reason: problem }, 'waiting for MongoDB');
  };
  client.on('serverHeartbeatFailed', ({ failure }) => sayWhyItWaits(failure));

  const closing = new AbortController();
  // If its first connection fails, the driver closes itself for good, and refuses each command at once. After a successful
  // one, it looks for a server by itself.
  const connect = async () => {
    while (!closing.signal.aborted) {
      try {
        await client.connect();
        loggedIn = true;
        return report();
      } catch (error) {
        sayWhyItWaits(error);
        await sleep(CONNECT_AGAIN_AFTER_MS, undefined, { signal: closing.signal, ref: false }).catch(() => {});
      }
    }
  };
  void connect();
  return {
    db: client.db(),
    members: () => members,
    close: async () => {
      closing.abort();
      await client.close();
    },
  };
}

/** Commands of the driver itself. */
const NOT_REPORTED = new Set(['hello', 'ping', 'endSessions']);

function reportCommands(client: MongoClient, report: (command: string, ms: number, result: 'ok' | 'failed') => void) {
  client.on('commandSucceeded', ({ commandName, duration, reply }) => {
    const { writeErrors, writeConcernError } = (reply ?? {}) as { writeErrors?: unknown; writeConcernError?: unknown };
    const result = writeErrors || writeConcernError ? 'failed' : 'ok';
    if (!NOT_REPORTED.has(commandName)) report(commandName, duration, result);
  });
  client.on('commandFailed', ({ commandName, duration }) => {
    if (!NOT_REPORTED.has(commandName)) report(commandName, duration, 'failed');
  });
}

/** For a health check. @throws Error unless MongoDB answers */
export async function mustAnswer(db: Db): Promise<void> {
  await db.command({ ping: 1 });
}

const WRITABLE: readonly ServerDescription['type'][] = ['Standalone', 'RSPrimary', 'Mongos', 'LoadBalancer'];

const hasWritableServer = ({ servers }: TopologyDescription) =>
  [...servers.values()].some(({ type }) => WRITABLE.includes(type));
