import { createModelProvider, type ModelProviderOptions } from '../../../src/adapters/model/model-provider.ts';
import type { PartialUsage } from '../../../src/contracts/chat-response.ts';
import type { RequestFailure } from '../../../src/contracts/errors.ts';
import { type ScriptedReply, startScriptedProvider } from '../../scripted-provider.ts';

export const never = new AbortController().signal;
export const question = { message: 'What is six times seven?', context: [] };

export const modelAt = (baseUrl: string, options: Partial<ModelProviderOptions> = {}) =>
  createModelProvider({
    name: 'provider',
    baseUrl,
    apiKey: 'sk-secret',
    model: 'asked',
    systemPrompt: '',
    temperature: undefined,
    maxTokens: 100,
    timeoutMs: 10_000,
    promptPrice: undefined,
    completionPrice: undefined,
    ...options,
  });

/** What is told while a model writes: the text of each call that took over, and the pieces of the last one. */
export function watchProgress() {
  const texts: string[] = [];
  const pieces: string[] = [];
  const calls: { provider: string; model: string }[] = [];
  const lost: PartialUsage[] = [];
  return {
    texts,
    pieces,
    calls,
    lost,
    options: {
      progress: {
        begun: (call: { provider: string; model: string }) => {
          calls.push(call);
          texts.push('');
          pieces.length = 0;
        },
        text: (piece: string) => {
          texts[texts.length - 1] += piece;
          pieces.push(piece);
        },
      },
      onLost: (usage: PartialUsage) => void lost.push(usage),
    },
  };
}

/** Asks a model once, with a stream: its answer or how it failed, and what it told meanwhile. */
export async function streamOnce(model: ReturnType<typeof modelAt>, signal = never) {
  const { options, ...told } = watchProgress();
  const outcome = await model.ask(question, signal, 1, options).then(
    (answer) => ({ answer, failure: undefined }),
    (error: unknown) => ({ answer: undefined, failure: error as RequestFailure }),
  );
  return { ...outcome, ...told };
}

/** Asks a model once: its answer, or how it failed. */
export const askOnce = (model: ReturnType<typeof modelAt>) =>
  model.ask(question, never).then(
    (answer) => ({ answer, failure: undefined }),
    (error: unknown) => ({ answer: undefined, failure: error as RequestFailure }),
  );

/** Asks a provider that sends this reply, through the real client over HTTP. */
export async function askProvider(
  script: ScriptedReply | ScriptedReply[],
  options: Partial<ModelProviderOptions> = {},
) {
  const provider = await startScriptedProvider(...(Array.isArray(script) ? script : [script]));
  try {
    return { ...(await askOnce(modelAt(provider.baseUrl, options))), received: provider.received };
  } finally {
    await provider.stop();
  }
}
