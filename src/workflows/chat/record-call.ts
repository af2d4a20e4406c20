import type { RecordedCall } from '../../adapters/answers/recorded-calls.ts';
import type { AnswerProgress } from '../../contracts/answer-progress.ts';

/** A call of the model while it is made. */
export interface CallRecorder {
  /** Is told what the model writes, and passes it on. undefined: the answer is asked for as a whole. */
  readonly progress: AnswerProgress | undefined;
  /** When which parts of the text have come. */
  pieces(): RecordedCall['pieces'];
}

export function recordCall(progress: AnswerProgress | undefined): CallRecorder {
  const startedAt = performance.now();
  let pieces: RecordedCall['pieces'] = [];
  return {
    progress: progress && {
      begun: (call) => {
        pieces = [];
        progress.begun(call);
      },
      text: (piece) => {
        pieces.push([Math.round(performance.now() - startedAt), piece.length]);
        progress.text(piece);
      },
    },
    pieces: () => pieces,
  };
}
