import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { readChatRequest } from '../../src/contracts/read-chat-request.ts';
import { readChatResponse } from '../../src/contracts/read-chat-response.ts';

const text = readFileSync(join(import.meta.dirname, '../../docs/messages.md'), 'utf8');
const [question, answer] = [...text.matchAll(/^```json\n(.*?)^```$/gms)].map(([, json]) => json!);

test('the question in the documentation is one that can be read', () => {
  expect(readChatRequest({ body: Buffer.from(question!) })).toMatchObject(JSON.parse(question!));
});

test('the answer in the documentation has all fields of an answer, and can be read', () => {
  expect(readChatResponse({ body: Buffer.from(answer!) })).toEqual(JSON.parse(answer!));
});
