import type { AnswerProgress } from '../../../contracts/answer-progress.ts';
import type { Model, ModelQuestion } from '../model.ts';
import type { FindIdentities } from './identity.ts';
import { createPlaceholders, type Placeholders } from './placeholders.ts';

/** Said to the model, so that it can use a placeholder as if it were what it stands for. */
export const PLACEHOLDER_HINT =
  'Some texts have placeholders such as [EMAIL-1a2b3c4d]. Each stands for data that was removed. If you need such data in your answer, write the placeholder exactly as it is.';

/**
 * Replaces what tells who somebody is before a model is asked, and puts it back into the answer. All else works on what the user
 * wrote: the hash of a question, so that two questions that differ only in such a part are two questions; and the answer, wherever
 * it is kept.
 * @param options.key makes the placeholders; the same for all workers
 * @param options.onRemoved called for each call, with the number of parts that were replaced, by kind
 */
export function withoutIdentities(
  model: Model,
  options: { find: FindIdentities; key: string; onRemoved: (replaced: ReadonlyMap<string, number>) => void },
): Model {
  const { find, key, onRemoved } = options;
  return {
    parametersOf: (question) => model.parametersOf(question),
    ask: async (question, signal, attempt, asked = {}) => {
      const placeholders = createPlaceholders({
        find,
        key,
        conversation: question.sessionId ?? question.requestId ?? '',
      });
      const sent = withPlaceholders(question, placeholders);
      onRemoved(placeholders.replaced);
      if (placeholders.replaced.size === 0) return await model.ask(question, signal, attempt, asked);
      const progress = asked.progress && restoreProgress(asked.progress, placeholders);
      try {
        const answer = await model.ask(sent, signal, attempt, { ...asked, progress });
        return { ...answer, response: placeholders.restore(answer.response) };
      } finally {
        progress?.end();
      }
    },
  };
}

const withPlaceholders = (question: ModelQuestion, { replace }: Placeholders): ModelQuestion => ({
  ...question,
  context: question.context.map((turn) => ({ ...turn, content: replace(turn.content) })),
  message: replace(question.message),
});

/** Tells `progress` the restored text. After `end`, it has been told all of it. */
function restoreProgress(progress: AnswerProgress, placeholders: Placeholders): AnswerProgress & { end(): void } {
  let pieces = placeholders.restorePieces();
  const tell = (text: string) => {
    if (text !== '') progress.text(text);
  };
  return {
    begun: (call) => {
      pieces = placeholders.restorePieces();
      progress.begun(call);
    },
    text: (piece) => tell(pieces.add(piece)),
    end: () => tell(pieces.end()),
  };
}
