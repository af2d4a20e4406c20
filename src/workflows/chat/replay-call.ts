import { setTimeout as sleep } from 'node:timers/promises';
import type { RecordedCall } from '../../adapters/answers/recorded-calls.ts';
import { estimateUsage } from '../../adapters/model/event-stream.ts';
import type { AskOptions } from '../../adapters/model/model.ts';
import type { ModelAnswer } from '../../contracts/model-answer.ts';

/**
 * Stands in for a call of the model: gives the answer of a recorded one, each piece of its text when it came then, and the whole
 * when it ended then.
 * @param signal aborts it; the promise then rejects with the signal's reason, as a call does
 */
export async function replayCall(
  { answer, modelMs, pieces }: RecordedCall,
  signal: AbortSignal,
  { progress, onLost }: Pick<AskOptions, 'progress' | 'onLost'>,
): Promise<ModelAnswer> {
  const startedAt = performance.now();
  let chars = 0;
  let told = 0;
  const until = async (ms: number) => {
    signal.throwIfAborted();
    const leftMs = () => Math.ceil(startedAt + ms - performance.now());
    // A timer may be a moment early.
    while (leftMs() > 0) await sleep(leftMs(), undefined, { signal });
  };
  try {
    for (const [ms, length] of progress ? pieces : []) {
      await until(ms);
      if (told === 0) progress?.begun(answer);
      progress?.text(answer.response.slice(chars, chars + length));
      chars += length;
      told += 1;
    }
    await until(modelMs);
  } catch {
    if (told > 0) onLost?.(estimateUsage(told, answer.response.slice(0, chars)));
    throw signal.reason;
  }
  return answer;
}
