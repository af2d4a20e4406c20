import { z } from 'zod';
import { type KindOfData, kindsOfData } from '../kept-data.ts';
import { timestamp } from '../scalars.ts';

const count = z.int().nonnegative();
const kind = z.enum(kindsOfData as [KindOfData, ...KindOfData[]]);

/** A line of everything that is kept of a user. */
export const exportLine = z
  .discriminatedUnion('type', [
    z.object({
      type: z.literal('export'),
      version: z.literal(1),
      about: z.string().describe('What this is, for a person.'),
      userId: z.string(),
      begunAt: timestamp,
    }),
    z.object({
      type: z.literal('kind'),
      kind,
      what: z.string().describe('What the next lines are, for a person.'),
      place: z.enum(['redis', 'mongodb', 'cache', 'rabbitmq']).describe('Where it is kept.'),
    }),
    z.object({
      type: z.literal('item'),
      kind,
      item: z
        .record(z.string(), z.unknown())
        .describe('The fields depend on the kind. `secrets` names those that are not given.'),
    }),
    z.object({
      type: z.literal('end'),
      complete: z
        .boolean()
        .describe('false: `missing` says what is not whole. If there is no such line, the reply has broken off.'),
      counts: z.record(z.string(), count).describe('How many items of each kind were given.'),
      missing: z.array(z.object({ kind, code: z.string().describe('Why: the code of an error.') })),
    }),
  ])
  .meta({
    id: 'ExportLine',
    description:
      'A line. The first is `export`. Then each kind of data has a line `kind` and one `item` for each thing. The last is `end`.',
  });

export type ExportLine = z.output<typeof exportLine>;
