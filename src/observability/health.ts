import { setTimeout as sleep } from 'node:timers/promises';
import { type Request, type Response, Router } from 'express';
import type { Health } from '../contracts/http/health.ts';
import type { ProcessList } from '../contracts/http/process-bodies.ts';

/**
 * Checks of what a process depends on, by name. A check rejects, or does not resolve in time, while its server is out
 * of reach.
 */
export type HealthChecks = Record<string, () => Promise<void>>;

/** A check's error whose message may be shown to everybody. */
export class Unhealthy extends Error {}

const CHECK_TIMEOUT_MS = 1_000;

/** A process reconnects within a few seconds after a server has come back. */
const RETRY_AFTER_SECONDS = 5;

/** What shows it while a process does not know yet what it must know before it works. */
const STARTING = { start: { status: 'down', detail: 'the process is still starting' } } as const;

/**
 * The routes for orchestrators. `/health/live`: the process runs. `/health/ready`: it can do its work; if not, the
 * reply is 503 and says what is down. `/health`: the same, with version and uptime, and with all processes where they
 * are listed. A process that is missing does not make this one less ready.
 * @param options.started resolves once the process may work. Before, it is not ready, even if all servers are there. Left out: at once
 */
export function createHealthRouter(options: {
  checks: HealthChecks;
  started?: Promise<unknown> | undefined;
  version: string;
  listProcesses?: () => Promise<ProcessList>;
}): Router {
  const { checks, version, listProcesses } = options;
  const router = Router();
  let started = options.started === undefined;
  void options.started?.then(() => {
    started = true;
  });

  async function isReady(): Promise<Health> {
    const found = await readiness(checks);
    return started ? found : { status: 'unavailable', checks: { ...found.checks, ...STARTING } };
  }

  const send = (res: Response, health: Health) => {
    const ok = health.status === 'ok';
    if (!ok) res.set('Retry-After', String(RETRY_AFTER_SECONDS));
    res
      .status(ok ? 200 : 503)
      .set('Cache-Control', 'no-store')
      .json(health);
  };

  router.get('/health/live', (_req: Request, res: Response) => {
    send(res, { status: 'ok' });
  });
  router.get('/health/ready', async (_req: Request, res: Response) => {
    send(res, await isReady());
  });
  router.get('/health', async (_req: Request, res: Response) => {
    const [ready, listed] = await Promise.all([isReady(), listProcesses && inTime(listProcesses())]);
    send(res, { ...ready, version, uptimeSeconds: Math.floor(process.uptime()), ...listed });
  });
  return router;
}

/** What comes in time; undefined otherwise. */
async function inTime<T>(result: Promise<T>): Promise<T | undefined> {
  return await Promise.race([result.catch(() => undefined), sleep(CHECK_TIMEOUT_MS, undefined, { ref: false })]);
}

/** Runs all checks. */
export async function readiness(checks: HealthChecks): Promise<Health> {
  const results = await Promise.all(
    Object.entries(checks).map(async ([name, check]) => {
      const detail = await problemOf(check);
      return [name, detail === undefined ? { status: 'up' as const } : { status: 'down' as const, detail }] as const;
    }),
  );
  const allUp = results.every(([, { status }]) => status === 'up');
  return { status: allUp ? 'ok' : 'unavailable', checks: Object.fromEntries(results) };
}

/** Returns what is wrong, if anything is. The causes, with their addresses, are only in the log. */
async function problemOf(check: () => Promise<void>): Promise<string | undefined> {
  const timeout = new AbortController();
  try {
    return await Promise.race([
      check().then(
        () => undefined,
        (error: unknown) => (error instanceof Unhealthy ? error.message : 'cannot be used: the log says why'),
      ),
      sleep(CHECK_TIMEOUT_MS, `no answer within ${CHECK_TIMEOUT_MS} ms`, { signal: timeout.signal }),
    ]);
  } finally {
    timeout.abort();
  }
}
