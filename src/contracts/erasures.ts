import { z } from 'zod';
import { type KindOfData, keptData, kindsOfData } from './kept-data.ts';
import { timestamp } from './scalars.ts';

const count = z.int().nonnegative();

const erasedKind = z.object({
  kind: z.enum(kindsOfData as [KindOfData, ...KindOfData[]]),
  place: z.enum(['redis', 'mongodb', 'cache', 'rabbitmq']),
  found: count.describe('How many there were.'),
  erased: count,
  left: count.describe('How many were there when we looked last.'),
  lookedAt: timestamp,
});

/** An erasure, as it is kept: how far it is, and at its end the receipt. It has no texts. */
export const erasure = z
  .object({
    erasureId: z.string().describe('Nobody can guess it. Whoever has it can read this.'),
    userId: z.string(),
    sessionId: z.string().nullable().describe('null: everything of the user is erased.'),
    requestedBy: z.enum(['user', 'admin', 'operator']),
    requestedAt: timestamp,
    state: z.enum(['erasing', 'erased']),
    erasedAt: timestamp.nullable(),
    waitsFor: z.string().nullable().describe('Why it is not finished, if a server refuses: the code of the error.'),
    kinds: z.array(erasedKind).describe('What was erased, and where.'),
  })
  .meta({ id: 'Erasure', description: 'An erasure, and at its end the receipt of it.' });

export type Erasure = z.output<typeof erasure>;
export type ErasedKind = z.output<typeof erasedKind>;

/** Where a kind of data is. */
export const placeOf = (kind: KindOfData, lasting: 'redis' | 'mongodb'): ErasedKind['place'] => {
  const { store } = keptData[kind];
  return store === 'lasting' ? lasting : store;
};

/** What a conversation or a job has left in other stores. */
export interface Trace {
  /** '': not known. */
  sessionId: string;
  requestIds: string[];
  /** Keys of the answer cache. */
  answerKeys: string[];
}
