import { z } from 'zod';
import { gate } from '../gates.ts';
import { WORK_QUEUES } from '../queues.ts';
import { serverMember } from '../server-members.ts';
import { intakePause } from './intake-bodies.ts';
import { seenProcess } from './process-bodies.ts';
import { failureGroup, retryRun } from './retry-run-bodies.ts';

const count = z.int().nonnegative();
const UNKNOWN = 'null: not known at present, because the server that knows it is away.';

const overviewProcess = seenProcess
  .omit({ silentMs: true })
  .extend({ silentSince: z.iso.datetime().nullable().describe('null while it is alive.') })
  .meta({ id: 'OverviewProcess' });

export const overview = z
  .object({
    servers: z
      .array(
        z.object({
          server: z.string().describe('`rabbitmq`, `redis`, `redis-cache` or `mongodb`.'),
          state: z.enum(['up', 'down']),
          detail: z.string().nullable().describe('What is wrong; null if nothing is.'),
          members: z
            .array(serverMember)
            .nullable()
            .describe(
              'The nodes of a cluster or a replica set; null: not known, for RabbitMQ see `RABBITMQ_MANAGEMENT_URL`.',
            ),
        }),
      )
      .describe('The servers, as this api sees them.'),
    processes: z.array(overviewProcess).nullable().describe(UNKNOWN),
    warnings: z.array(z.string()).describe('What is wrong, in plain English; empty if nothing is.'),
    intake: intakePause.nullable().describe(UNKNOWN),
    pausedJobQueues: z
      .array(z.string())
      .nullable()
      .describe(
        "The queues of jobs that somebody has paused in BullMQ, so that nobody takes their jobs. It is not the intake's pause.",
      ),
    line: z
      .object({
        waiting: count.describe('Questions that no worker has taken up yet.'),
        drainPerSecond: z.number().nullable().describe('How many end in a second; null: not known.'),
        etaMs: z.int().nullable().describe('When a question that is asked now will be answered; null: nobody knows.'),
        oldestQuestionAgeMs: z
          .int()
          .nullable()
          .describe('How long ago the open question was asked that must end next.'),
      })
      .describe('The line of questions before the workers.'),
    queues: z
      .array(z.object({ queue: z.string(), messages: count, consumers: count, notEmptyForMs: z.int() }))
      .nullable()
      .describe(`The queues of RabbitMQ. ${UNKNOWN}`),
    jobs: z
      .object({ waiting: count, delayed: count, active: count, completed: count, failed: count })
      .nullable()
      .describe(UNKNOWN),
    gates: z.array(gate).nullable().describe(UNKNOWN),
    deadLetters: z
      .array(z.object({ queue: z.enum(WORK_QUEUES), reason: z.string(), count }))
      .nullable()
      .describe(
        `Dead letters by reason, as they were seen within the last minute; the reason is "unread" where they are too many to be read. ${UNKNOWN}`,
      ),
    deadLettersExpire: z
      .array(
        z.object({
          queue: z.enum(WORK_QUEUES),
          oldestGoesAt: z.iso.datetime().describe('When its oldest dead letter is removed for good.'),
          withinWeek: count.describe(
            'How many are removed within a week. They are counted by days, so some of the eighth day may be among them.',
          ),
        }),
      )
      .nullable()
      .describe(
        `When dead letters are removed because \`DEAD_LETTER_RETENTION\` has passed; a queue is left out if it has none that says since when it stands. It is a minute behind, or an hour where more than 1,000 stand. ${UNKNOWN}`,
      ),
    failures: z.array(failureGroup).nullable().describe(`Failed jobs by cause, the most frequent first. ${UNKNOWN}`),
    retryRuns: z
      .array(retryRun)
      .nullable()
      .describe(`Runs that retry failed jobs: those that are going, and those of the last ten minutes. ${UNKNOWN}`),
  })
  .meta({ id: 'Overview', description: 'What an operator wants to know first.' });

export const depthHistory = z
  .object({
    from: z.iso.datetime().describe('The time of the first value.'),
    stepMs: z.int().describe('How far the values are apart.'),
    series: z.array(
      z.object({
        name: z.string().describe('A queue of RabbitMQ, or a state of jobs.'),
        kind: z.enum(['queue', 'jobs']),
        values: z.array(count.nullable()).describe('The oldest first; null where nobody looked, or a server was away.'),
      }),
    ),
  })
  .meta({ id: 'DepthHistory', description: 'The depths of the last hour.' });

export type Overview = z.output<typeof overview>;
