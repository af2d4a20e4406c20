import { jsonOf } from './lenient-json.ts';

interface Chunk {
  choices?: { delta?: { content?: unknown }; message?: { content?: unknown }; finish_reason?: unknown }[];
  model?: unknown;
  usage?: unknown;
  error?: unknown;
}

/** Whether a body is a stream of server-sent events, with one comment or field on each line. */
export const isEventStream = (text: string): boolean => /^(:|data:|event:|id:|retry:)/.test(text);

/**
 * Joins the events of a stream into one chat completion. Some servers send a stream although we did not ask for one. A
 * stream that reports an error, or ends before the model has finished, counts as an error.
 */
export function completionOf(text: string, isCut: boolean): unknown {
  const data = text.split(/\r\n|\n|\r/).flatMap((line) => /^data: ?(.*)$/.exec(line)?.[1] ?? []);
  const chunks = data.map(jsonOf).filter((chunk): chunk is Chunk => typeof chunk === 'object' && chunk !== null);
  const failed = chunks.find(({ error }) => error);
  if (failed) return { error: failed.error };
  const choices = chunks.flatMap((chunk) => chunk.choices?.[0] ?? []);
  const lastOf = (values: unknown[]) => values.findLast((value) => value !== undefined && value !== null);
  const finish = lastOf(choices.map((choice) => choice.finish_reason));
  const isWhole = isCut || finish !== undefined || data.includes('[DONE]');
  return {
    choices: [
      {
        message: { content: choices.map(({ delta, message }) => (delta ?? message)?.content) },
        finish_reason: isWhole ? finish : 'error',
      },
    ],
    model: lastOf(chunks.map(({ model }) => model)),
    usage: lastOf(chunks.map(({ usage }) => usage)),
  };
}
