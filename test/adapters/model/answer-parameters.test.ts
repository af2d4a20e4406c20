import { expect, test } from '@jest/globals';
import { answerParameters, type ModelSettings } from '../../../src/adapters/model/answer-parameters.ts';

const settings: ModelSettings = {
  name: 'models.example.com',
  baseUrl: 'https://models.example.com/v1',
  model: 'some-model',
  systemPrompt: 'Be brief.',
  temperature: 0.2,
  maxTokens: 100,
};

test('a question goes out after the system prompt and the earlier turns', () => {
  const context = [
    { role: 'user' as const, content: 'I am Ada.' },
    { role: 'assistant' as const, content: 'Hello Ada.' },
  ];
  expect(answerParameters(settings)({ message: 'Who am I?', context })).toEqual({
    provider: 'models.example.com',
    body: {
      model: 'some-model',
      messages: [{ role: 'system', content: 'Be brief.' }, ...context, { role: 'user', content: 'Who am I?' }],
      temperature: 0.2,
      max_tokens: 100,
    },
  });
});

test('without a system prompt and a temperature, the model is told neither', () => {
  const { body } = answerParameters({ ...settings, systemPrompt: '', temperature: undefined })({
    message: 'Hi',
    context: [],
  });
  expect(body.messages).toEqual([{ role: 'user', content: 'Hi' }]);
  expect(body).not.toHaveProperty('temperature');
});

test.each([
  ['https://api.openai.com/v1', 'gpt-4.1', 'max_completion_tokens'],
  ['https://eu.api.openai.com/v1', 'gpt-4.1', 'max_completion_tokens'],
  ['https://mine.openai.azure.com/openai/v1', 'my-deployment', 'max_completion_tokens'],
  ['https://gateway.example.com/v1', 'gpt-5-mini', 'max_completion_tokens'],
  ['https://gateway.example.com/v1', 'openai/o3', 'max_completion_tokens'],
  ['https://api.mistral.ai/v1', 'mistral-small', 'max_tokens'],
  ['http://127.0.0.1:11434/v1', 'llama3', 'max_tokens'],
  ['https://openai.com.example.com/v1', 'olmo', 'max_tokens'],
])('%s with %s bounds the answer by %s', (baseUrl, model, expected) => {
  const { body } = answerParameters({ ...settings, baseUrl, model })({ message: 'Hi', context: [] });
  const names = Object.keys(body).filter((name) => name.startsWith('max_'));
  expect(names).toEqual([expected]);
});
