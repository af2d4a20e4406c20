import { z } from 'zod';
import { sweepNames } from '../retention.ts';

const moment = z.iso.datetime().nullable();

const sweep = z
  .object({
    sweep: z.enum(sweepNames),
    doneAt: moment.describe('When it was last made without an error; null: never.'),
    removed: z.int().describe('How much it removed then.'),
    lastRemovedAt: moment.describe('When it last removed something; null: never.'),
    total: z.int().describe('How much it has removed since the first sweep.'),
    failingSince: moment.describe('Since when every try has failed; null: the last one has not.'),
  })
  .meta({ id: 'Sweep', description: 'What became of a sweep, whichever api has made it.' });

const kept = z
  .object({
    name: z.string(),
    what: z.string(),
    store: z.enum(['mongodb', 'redis', 'redis-cache', 'rabbitmq']),
    limitMs: z.int().nullable().describe('How long it is kept at most; null: until something happens.'),
    setting: z.string().nullable().describe('The setting that says so; null: none does.'),
    from: z.string().describe('From when on, or until when.'),
    enforcedBy: z
      .enum(['store', 'sweeper', 'product', 'people'])
      .describe(
        '`store`: the time to live of its store. `sweeper`: an api, once a minute. `product`: it ends with its work. ' +
          '`people`: somebody must do it.',
      ),
    oldestGoesAt: moment.describe('When the oldest is removed; null: nobody knows, or there is none.'),
    sweeps: z.array(sweep),
  })
  .meta({ id: 'Kept' });

export const retentionTable = z
  .object({ kept: z.array(kept) })
  .meta({ id: 'Retention', description: 'How long everything is kept, and what was removed last.' });

export type RetentionTable = z.output<typeof retentionTable>;
