import type { Logger } from 'pino';
import type { NewJob } from '../adapters/jobs/job-queue.ts';
import { createBatchConsumer } from '../adapters/rabbitmq/batch-consumer.ts';
import type { BrokerConnection } from '../adapters/rabbitmq/connection.ts';
import type { DeadLetter } from '../adapters/rabbitmq/dead-letters.ts';
import type { GiveBack } from '../adapters/rabbitmq/newer-messages.ts';
import { openFirst } from '../adapters/rabbitmq/open-first.ts';
import type { Delivery } from '../adapters/rabbitmq/settle-batch.ts';
import type { ChatRequest } from '../contracts/chat-request.ts';
import type { CheckPublishers } from '../contracts/publishers.ts';
import { REQUESTS_QUEUE, TRACEPARENT_HEADER, TRACESTATE_HEADER } from '../contracts/queues.ts';
import { receiveChatRequest } from '../contracts/read-chat-request.ts';
import { readReplyAddress } from '../contracts/reply-address.ts';
import type { Received } from '../contracts/sealed-message.ts';
import type { TextSeals } from '../contracts/sealing.ts';
import { continueTrace } from '../contracts/traceparent.ts';
import type { Tracer } from '../contracts/tracer.ts';

export interface Intake {
  start(): void;
  /** Takes no more messages, or goes on, as an operator says. It may be called before `start`. */
  setPaused(paused: boolean): void;
  /** Takes no more messages and finishes the batch in hand. The rest goes back to RabbitMQ. */
  stop(): Promise<void>;
}

/** How often a paused intake checks how many jobs wait. */
const POLL_MS = 200;
/** A paused intake resumes when no more than this share of `highWater` waits. */
const LOW_WATER = 0.8;

/**
 * Turns requests from RabbitMQ into jobs, in batches. A batch is acknowledged once Redis has its jobs and the
 * dead-letter queue has the messages that could not be read. Each batch costs one round trip to Redis.
 *
 * The intake keeps a backlog in RabbitMQ. It has these states:
 * - *flowing* while fewer than `highWater` jobs wait
 * - *full*, and so paused, from then on, until no more than four fifths of `highWater` wait
 * - *held*, and so paused, from `setPaused(true)` to `setPaused(false)`, whatever waits. What it has in hand becomes jobs
 * - *stopped* for good
 *
 * A pause may come one batch late. So up to `highWater` + prefetch jobs may wait for each worker.
 */
export function createIntake(options: {
  connection: BrokerConnection;
  /** Counts the jobs that wait. */
  countWaiting: () => Promise<number>;
  /** Resolves with the number of waiting jobs, once the new jobs are safe in Redis. */
  addJobs: (jobs: NewJob[]) => Promise<number>;
  deadLetter: DeadLetter;
  giveBack: GiveBack;
  /** Whether a request may name this queue as its reply queue. */
  replyAllowed: (queue: string) => boolean;
  checkPublishers: CheckPublishers;
  /** Opens the texts of messages that the apis have sealed. */
  seals: TextSeals;
  /** Whether everything of a user was erased, so that no jobs of theirs are added. */
  isErased: (userId: string) => Promise<boolean>;
  prefetch: number;
  highWater: number;
  onReceived: (count: number) => void;
  onPaused: (paused: boolean) => void;
  tracer?: Tracer | undefined;
  logger: Logger;
}): Intake {
  const { countWaiting, addJobs, deadLetter, highWater, onReceived, onPaused, logger } = options;
  let full = false;
  let held = false;
  let paused = false;
  let stopped = false;
  let poll: NodeJS.Timeout | undefined;

  const consumer = createBatchConsumer({
    connection: options.connection,
    queue: REQUESTS_QUEUE,
    prefetch: Math.min(options.prefetch, highWater),
    read: (delivery) => readJob(delivery, options),
    handle: openFirst(options, handle),
    deadLetter,
    giveBack: options.giveBack,
    tracer: options.tracer,
    logger,
  });

  async function handle(read: NewJob[], traceparents?: readonly string[]): Promise<undefined> {
    const jobs = traceparents ? read.map((job, index) => ({ ...job, traceparent: traceparents[index]! })) : read;
    const waiting = await addJobs(jobs);
    onReceived(jobs.length);
    if (!full && waiting >= highWater) {
      full = true;
      logger.info({ highWater }, 'enough jobs wait: taking no more from RabbitMQ');
      void obey().then(schedulePoll);
    }
  }

  /** Consumes, or does not, as the states say. */

  async function obey(): Promise<void> {
    if (paused === (full || held) || stopped) return;
    paused = !paused;
    onPaused(paused);
    await (paused ? consumer.pause() : consumer.resume());
  }

  function schedulePoll(): void {
    if (!stopped) poll = setTimeout(() => void resumeIfLow(), POLL_MS);
  }

  async function resumeIfLow(): Promise<void> {
    const waiting = await countWaiting().catch(() => Number.POSITIVE_INFINITY);
    if (stopped) return;
    if (waiting > highWater * LOW_WATER) {
      schedulePoll();
      return;
    }
    full = false;
    if (!held) logger.info({ waiting }, 'taking from RabbitMQ again');
    await obey();
  }

  return {
    start: () => {
      consumer.start();
      if (paused) void consumer.pause();
    },
    setPaused: (isPaused) => {
      held = isPaused;
      void obey();
    },
    stop: async () => {
      stopped = true;
      clearTimeout(poll);
      await consumer.stop();
    },
  };
}

function readJob(
  delivery: Delivery,
  allowed: { replyAllowed: (queue: string) => boolean; checkPublishers: CheckPublishers },
): Received<NewJob> {
  const { headers, replyTo, correlationId } = delivery.properties;
  const reply = readReplyAddress({ replyTo, correlationId }, allowed.replyAllowed);
  const { sealedFor, open, openErased } = receiveChatRequest({ ...delivery, replyTo, correlationId });
  const rest = {
    ...continueTrace(headers?.[TRACEPARENT_HEADER], headers?.[TRACESTATE_HEADER]),
    ...(reply && { reply }),
    receivedAt: new Date().toISOString(),
  };
  const jobOf = (request: ChatRequest) => {
    allowed.checkPublishers(delivery.properties, request.userId);
    return { request, ...rest };
  };
  return { sealedFor, open: (seals) => jobOf(open(seals)), openErased: () => jobOf(openErased()) };
}
