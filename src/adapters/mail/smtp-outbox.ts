import { setTimeout as sleep } from 'node:timers/promises';
import pLimit from 'p-limit';
import type { Logger } from 'pino';
import { isLoopback } from '../../contracts/loopback.ts';
import type { Mail, Outbox } from '../../contracts/mail.ts';
import { nodemailer } from '../../contracts/packages.ts';

const MOST_WAITING = 1_000;
const MOST_AT_ONCE = 2;
const TIMEOUT_MS = 30_000;
/** How long to wait before each further try. The links in our mails are valid for longer. */
const RETRY_AFTER_MS = [1_000, 5_000, 30_000, 120_000, 300_000];

export interface SmtpOutbox extends Outbox {
  /** Waits until no mail waits: each is sent or given up. */
  settle(): Promise<void>;
  /** Gives up the mails that are not sent yet. */
  stop(): void;
}

/**
 * Sends mails over SMTP. A mail waits in the memory of this process and not in a store, because it has a secret for its reader:
 * if the process ends before, its reader asks for another one. At most 1,000 mails wait; further ones are dropped. A server that
 * is away, or that refuses for now (4xx), is asked again for about eight minutes. The log says what happened, and not to whom.
 * @param options.url `smtps:` (TLS), or `smtp:`, which begins TLS (STARTTLS) and sends nothing to a server that does not offer it
 * @param options.requireTls left out: required unless the server is on the own machine
 */
export function createSmtpOutbox(options: {
  url: string;
  from: string;
  requireTls?: boolean;
  retryAfterMs?: readonly number[];
  logger: Pick<Logger, 'info' | 'warn' | 'error'>;
}): SmtpOutbox {
  const { from, retryAfterMs = RETRY_AFTER_MS, logger } = options;
  const { protocol, hostname, port, username, password } = new URL(options.url);
  const secure = protocol === 'smtps:';
  const transport = nodemailer().createTransport({
    host: hostname.replace(/^\[(.*)\]$/, '$1'),
    port: Number(port) || (secure ? 465 : 587),
    secure,
    requireTLS: options.requireTls ?? !isLoopback(hostname),
    ...(username && { auth: { user: decodeURIComponent(username), pass: decodeURIComponent(password) } }),
    connectionTimeout: TIMEOUT_MS,
    greetingTimeout: TIMEOUT_MS,
    socketTimeout: TIMEOUT_MS,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  const inTurn = pLimit(MOST_AT_ONCE);
  const stopping = new AbortController();
  const waiting = new Set<Promise<void>>();

  async function deliver(mail: Mail): Promise<void> {
    for (let tries = 0; ; tries++) {
      try {
        await inTurn(() => transport.sendMail({ from, ...mail }));
        return;
      } catch (error) {
        // The error's text may name the recipient.
        const { code, responseCode } = error as { code?: string; responseCode?: number };
        const retryMs = retryAfterMs[tries];
        const refused = responseCode !== undefined && responseCode >= 500;
        if (refused || retryMs === undefined) {
          logger.error({ code, responseCode }, 'a mail could not be sent');
          return;
        }
        logger.warn({ code, responseCode, retryMs }, 'a mail could not be sent yet');
        await sleep(retryMs, undefined, { signal: stopping.signal });
      }
    }
  }

  return {
    send: (mail) => {
      if (waiting.size >= MOST_WAITING) {
        logger.error({ waiting: waiting.size }, 'a mail was dropped, because too many wait');
        return;
      }
      const delivery = deliver(mail)
        .catch(() => {})
        .finally(() => waiting.delete(delivery));
      waiting.add(delivery);
    },
    settle: async () => void (await Promise.all(waiting)),
    stop: () => {
      if (waiting.size > 0) logger.warn({ waiting: waiting.size }, 'these mails are not sent');
      stopping.abort();
      inTurn.clearQueue();
      transport.close();
    },
  };
}
