import OpenAI from 'openai';
import { settings } from './settings.ts';

export const SYSTEM_PROMPT = 'You are a helpful assistant.';

/** The answer of the model that answers at once. */
export const instantAnswer = (message: string) => `Answer to: ${message}`.padEnd(settings.answerBytes, '.');

const client =
  settings.modelUrl === undefined
    ? undefined
    : new OpenAI({ apiKey: 'benchmark', baseURL: settings.modelUrl, maxRetries: 0 });

/** Asks as the documentation of `openai` shows. */
export async function askModel(message: string): Promise<string> {
  if (!client) return instantAnswer(message);
  const completion = await client.chat.completions.create({
    model: 'simulator',
    messages: [
      { role: 'system', content: SYSTEM_PROMPT },
      { role: 'user', content: message },
    ],
  });
  return completion.choices[0]?.message.content ?? '';
}
