import type { AskOptions } from './model.ts';

/** Returns options with which `told` is called, too, when a call writes its first text. */
export function onFirstText(options: AskOptions | undefined, told: () => void): AskOptions | undefined {
  const progress = options?.progress;
  if (!progress) return options;
  return {
    ...options,
    progress: {
      begun: (call) => {
        told();
        progress.begun(call);
      },
      text: (piece) => progress.text(piece),
    },
  };
}
