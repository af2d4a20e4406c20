import { createModelProvider, type ModelProviderOptions } from '../../../src/adapters/model/model-provider.ts';
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
