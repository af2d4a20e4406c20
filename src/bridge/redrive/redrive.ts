import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ConsumeMessage } from 'amqplib';
import type { BrokerAddress } from '../../adapters/rabbitmq/amqp-client.ts';
import { type LetterPlace, openDeadLetters } from '../../adapters/rabbitmq/dead-letter-queue.ts';
import type { RedriveOptions, RedriveReport } from '../../contracts/dead-letters.ts';
import { HealifyError, UnroutableError } from '../../contracts/errors.ts';
import { deadLetterQueueOf, REDRIVE_RUN_HEADER, type WorkQueue } from '../../contracts/queues.ts';
import { safeMessage } from '../../contracts/safe-message.ts';
import type { BodySeals } from '../../contracts/sealing.ts';
import { type CanaryTimes, watchCanary } from './canary.ts';
import { openLetter } from './open-letter.ts';
import { matches, redriveCountOf, replyQueueOf } from './read-letter.ts';
import { restore } from './restore.ts';

interface Chosen {
  letter: ConsumeMessage;
  place: LetterPlace;
}

/** How many bytes of bodies are held in memory. Letters beyond this limit stay for the next run. */
const MAX_HELD_BYTES = 256 * 1024 * 1024;
/** How many letters are sent at once, unless a rate is given. */
const WINDOW = 50;

/**
 * Sends back the letters that match a filter, the oldest first. A letter goes to the queue that it came from, or to the
 * reply queue that it was meant for. It is removed once RabbitMQ has confirmed it there. If the redrive is interrupted,
 * each letter is in one of the two queues, or at worst in both. A consumer that receives it twice recognises it by its
 * requestId. An encrypted letter is sent as its message was. One that cannot be opened here stays.
 *
 * The steps are: *read* the letters; *send* the canary, if there is one, and *watch* it; *send* the rest.
 * @throws DeadLettersInUseError, BrokerUnavailableError if nothing was sent. Later errors are reported in `stopped`
 */
export async function redriveLetters(
  where: BrokerAddress & { bodies: BodySeals; queue: WorkQueue; canaryTimes: CanaryTimes },
  options: RedriveOptions,
  onProgress: (sent: number, of: number) => void,
): Promise<RedriveReport> {
  const { limit, dryRun, canary, rate, ...filter } = options;
  const seals = await where.bodies.forOpening();
  const now = Date.now();
  const run = randomUUID();
  const chosen: Chosen[] = [];
  let matching = 0;
  let heldBytes = 0;
  let returned = 0;

  const letters = await openDeadLetters({
    ...where,
    onLetter: (letter, place) => {
      if (letter.properties.headers?.[REDRIVE_RUN_HEADER] === run) returned += 1;
      else if (matches(letter, filter, now)) {
        matching += 1;
        if (dryRun || chosen.length >= limit || heldBytes + letter.content.length > MAX_HELD_BYTES) return;
        heldBytes += letter.content.length;
        chosen.push({ letter, place });
      }
    },
  });
  const { unread } = letters;
  let sent = 0;
  let refused = 0;
  const report = (verdict: RedriveReport['canary'], stopped: string | null): RedriveReport => {
    const queue = deadLetterQueueOf(where.queue);
    return { queue, dryRun, matching, sent, refused, left: matching - sent, unread, canary: verdict, stopped };
  };

  const sendOne = async ({ letter, place }: Chosen) => {
    const replyQueue = replyQueueOf(letter);
    const opened = openLetter(seals, letter);
    if (!opened) {
      refused += 1;
      return;
    }
    try {
      const properties = restore(letter.properties, redriveCountOf(letter) + 1, run);
      await letters.send(replyQueue ?? where.queue, opened.content, properties);
    } catch (error) {
      const isMissing = replyQueue !== undefined && error instanceof UnroutableError;
      if (error instanceof HealifyError && !isMissing) throw error;
      // The letter's properties cannot be encoded again, or its reply queue is still missing. The letter stays; the
      // others go on.
      refused += 1;
      return;
    }
    letters.remove(place);
    sent += 1;
    onProgress(sent, chosen.length);
  };

  let verdict: RedriveReport['canary'] = 'none';
  try {
    if (dryRun) return report(verdict, null);
    if (canary !== undefined && unread > 0) {
      return report(verdict, 'too many letters for a canary: one that comes back would not be seen behind the others');
    }
    const first = chosen.slice(0, canary ?? 0);
    if (first.length > 0) {
      verdict = 'failed';
      await sendAll(first, rate, sendOne);
      const failure = await watchCanary(letters, () => returned, where.canaryTimes);
      if (failure) return report(verdict, failure);
      verdict = 'passed';
    }
    await sendAll(chosen.slice(first.length), rate, sendOne);
    await letters.settled();
    return report(verdict, null);
  } catch (error) {
    return report(verdict, safeMessage(error) || 'for an unknown reason');
  } finally {
    await letters.close();
  }
}

/** Sends the letters in order, several at once unless a rate is given. Stops after the first that fails. */
async function sendAll(
  letters: Chosen[],
  rate: number | undefined,
  sendOne: (chosen: Chosen) => Promise<void>,
): Promise<void> {
  if (rate === undefined) {
    for (let next = 0; next < letters.length; next += WINDOW) {
      const results = await Promise.allSettled(letters.slice(next, next + WINDOW).map(sendOne));
      const failed = results.find((result) => result.status === 'rejected');
      if (failed) throw failed.reason;
    }
    return;
  }
  const startedAt = performance.now();
  for (const [index, letter] of letters.entries()) {
    const waitMs = startedAt + (index * 1000) / rate - performance.now();
    if (waitMs > 0) await sleep(waitMs);
    await sendOne(letter);
  }
}
