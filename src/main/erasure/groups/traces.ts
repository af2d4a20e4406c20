import { hashesIn } from '../../../contracts/chat-response.ts';
import type { Trace } from '../../../contracts/erasures.ts';

/** The trace of a single request. '' stands for what is not known. */
export const traceOfOne = (one: { sessionId: string; requestId: string; answerKey: string }): Trace => ({
  sessionId: one.sessionId,
  requestIds: one.requestId === '' ? [] : [one.requestId],
  answerKeys: one.answerKey === '' ? [] : [one.answerKey],
});

/** Some of the ids that traces have, each id once. */
export interface SomeTraces {
  sessionIds: string[];
  requestIds: string[];
  /** Each with one hash. */
  answerKeys: string[];
}

const TOGETHER = 100;

/** Puts traces together, and leaves out ids that came before. A single trace may have some hundred ids. */
export async function* together(traces: AsyncIterable<Trace>): AsyncGenerator<SomeTraces> {
  const seen = new Set<string>();
  const isNew = (id: string) => id.length > 1 && !seen.has(id) && seen.add(id) !== undefined;
  let some: SomeTraces = { sessionIds: [], requestIds: [], answerKeys: [] };
  for await (const { sessionId, requestIds, answerKeys } of traces) {
    if (isNew(`s${sessionId}`)) some.sessionIds.push(sessionId);
    some.requestIds.push(...requestIds.filter((requestId) => isNew(`r${requestId}`)));
    some.answerKeys.push(...answerKeys.flatMap(hashesIn).filter((key) => isNew(`a${key}`)));
    if (some.sessionIds.length + some.requestIds.length + some.answerKeys.length < TOGETHER) continue;
    yield some;
    some = { sessionIds: [], requestIds: [], answerKeys: [] };
  }
  yield some;
}
