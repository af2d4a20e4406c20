import { setTimeout as sleep } from 'node:timers/promises';
import type { Health } from '../../src/contracts/http/health.ts';
import type { Terminal } from './terminal.ts';

const POLL_MS = 500;
const TIMEOUT_MS = 3_000;

const SHOWN: Record<string, string> = { rabbitmq: 'RabbitMQ', redis: 'Redis' };
const shown = (names: string[]) => names.map((name) => SHOWN[name] ?? name).join(' and ');

/**
 * Says on the terminal when a process loses a server and when it reaches it again, including servers that were not
 * started here. It reads `/health/ready`, so that nobody has to search the log.
 * @param options.baseUrl of the process; nothing is reported while the process does not answer
 */
export function watchHealth(options: { name: string; baseUrl: () => string; terminal: Terminal }): { stop(): void } {
  const { name, baseUrl, terminal } = options;
  let down: string[] = [];
  let stopped = false;
  void watch();
  return {
    stop: () => {
      stopped = true;
    },
  };

  async function watch(): Promise<void> {
    for (; !stopped; await sleep(POLL_MS)) {
      const health = await ask();
      if (!health || stopped) continue;
      const now = Object.entries(health.checks ?? {}).flatMap(([server, { status }]) =>
        status === 'down' ? [server] : [],
      );
      const lost = now.filter((server) => !down.includes(server));
      const back = down.filter((server) => !now.includes(server));
      if (lost.length > 0) {
        terminal.problem(`${name} has lost ${shown(lost)}. It connects again by itself; until then it is not ready.`);
      }
      if (back.length > 0) {
        const still = now.length > 0 ? `It still waits for ${shown(now)}.` : 'It is ready again.';
        terminal.say(`${name} has ${shown(back)} back. ${still}`);
      }
      down = now;
    }
  }

  async function ask(): Promise<Health | undefined> {
    try {
      const response = await fetch(`${baseUrl()}/health/ready`, { signal: AbortSignal.timeout(TIMEOUT_MS) });
      return (await response.json()) as Health;
    } catch {
      return undefined;
    }
  }
}
