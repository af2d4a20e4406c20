import { expect, test } from '@jest/globals';
import { oneLine, titleOf } from '../../src/contracts/title.ts';

test('a short question is its own title', () => {
  expect(titleOf('What are healthy eating habits?')).toBe('What are healthy eating habits?');
  expect(titleOf('  How\n\tmuch   water? ')).toBe('How much water?');
});

test('a long question is cut after a word, and says so', () => {
  const title = titleOf('I have been wondering for a long time whether eating breakfast early is good for everybody');
  expect(title).toBe('I have been wondering for a long time whether eating…');
});

test.each([
  ['one long word', 'x'.repeat(500)],
  ['Chinese, which has no spaces', '健康的饮食习惯是什么'.repeat(20)],
  ['emoji of several characters', '👩‍👩‍👧‍👦'.repeat(50)],
  ['a question of the greatest length', 'word '.repeat(3_200)],
])('a title of %s is short and has no half characters', (_, question) => {
  const title = titleOf(question);
  expect(title.length).toBeLessThanOrEqual(60);
  expect(title.length).toBeGreaterThan(20);
  expect(title.isWellFormed()).toBe(true);
  expect(title.endsWith('…')).toBe(true);
});

test('a title has no control characters, and none that turn the direction of what follows', () => {
  expect(titleOf('a\u0000b\u001b[31mc\u202ed\u2066e\u2028f')).toBe('ab[31mcde f');
  expect(titleOf('\u0000\u0007')).toBe('');
  expect(oneLine('می\u200cخواهم')).toBe('می\u200cخواهم');
});
