import { z } from 'zod';
import { dryRun } from './dry-run.ts';

export const intakePause = z
  .object({
    paused: z.boolean(),
    since: z.iso.datetime().nullable(),
    by: z.string().nullable().describe('Who paused it: the user id of an admin, or `command`.'),
  })
  .meta({ id: 'IntakePause', description: 'Whether workers take questions from `chat_requests`.' });

export const setIntakeBody = z.strictObject({ dryRun }).meta({ id: 'SetIntake' });

export const intakeReport = z
  .object({
    dryRun: z.boolean(),
    changed: z.boolean().describe('false: it was like this before. In a dry run: whether it would change.'),
    intake: intakePause.describe('As it is now.'),
    effects: z
      .object({
        messages: z.int().nullable().describe('Questions that wait in RabbitMQ; null: RabbitMQ was not seen lately.'),
        jobs: z.int().describe('Questions that workers have taken already, and go on with.'),
        workers: z.int().describe('Workers that are alive.'),
      })
      .describe('How many it concerns.'),
  })
  .meta({ id: 'IntakeReport' });

export type IntakeReport = z.output<typeof intakeReport>;
