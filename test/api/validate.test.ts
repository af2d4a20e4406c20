import { expect, test } from '@jest/globals';
import { z } from 'zod';
import { parse } from '../../src/api/validate.ts';
import { dropOptions, redriveOptions } from '../../src/contracts/dead-letters.ts';
import type { ApiError } from '../../src/contracts/errors.ts';
import { credentials, refreshBody } from '../../src/contracts/http/account-bodies.ts';
import { historyQuery, sendBody, sessionQuery } from '../../src/contracts/http/chat-bodies.ts';

const faults = (schema: z.ZodType, value: unknown) => {
  try {
    parse(schema, value);
  } catch (error) {
    return (error as ApiError).errors?.map(({ path, message }) => `${path}: ${message}`);
  }
  return [];
};

test.each<[z.ZodType, unknown, string[]]>([
  [sendBody, { message: '' }, ['message: must not be empty']],
  [sendBody, { message: ' ' }, ['message: must not be blank']],
  [sendBody, { message: 'x'.repeat(16_001) }, ['message: must have at most 16000 characters']],
  [sendBody, {}, ['message: is required']],
  [sendBody, { message: 7 }, ['message: must be a text']],
  [sendBody, { message: 'm', foo: 1, bar: 2 }, ['foo: is not a known field', 'bar: is not a known field']],
  [sendBody, { message: 'm', sessionId: 'x' }, ['sessionId: must be a UUID']],
  [sendBody, { message: 'm', cache: 'no' }, ['cache: must be true or false']],
  [sendBody, { message: 'm', priority: 'high' }, ['priority: must be one of: interactive, batch']],
  [sendBody, undefined, [': The body must be a JSON object']],
  [sendBody, [], [': The body must be a JSON object']],
  [
    credentials,
    { email: 'nobody', password: 'short' },
    ['email: must be an email address', 'password: must have at least 10 characters'],
  ],
  [refreshBody, { refreshToken: '' }, ['refreshToken: must not be empty']],
  [historyQuery, { limit: '0' }, ['limit: must be at least 1']],
  [historyQuery, { limit: '101' }, ['limit: must be at most 100']],
  [historyQuery, { limit: 'ten' }, ['limit: must be a number']],
  [historyQuery, { limit: '1.5' }, ['limit: must be a whole number']],
  [historyQuery, { limit: ['1', '2'] }, ['limit: must be given once, and be a number']],
  [historyQuery, { cursor: ['a', 'b'] }, ['cursor: must be given once, and be a text']],
  [
    z.object({ a: z.object({ b: z.string() }).strict() }),
    { a: { b: 1, c: 2 } },
    ['a.b: must be a text', 'a.c: is not a known field'],
  ],
  [z.array(z.string()), ['a', 1], ['1: must be a text']],
])('each fault names its field and the rule (%#)', (schema, value, expected) => {
  expect(faults(schema, value)).toEqual(expected);
});

test('an empty parameter of a query counts as left out', () => {
  expect(parse(historyQuery, { limit: '', cursor: '' })).toEqual({ limit: 20, cursor: undefined });
  expect(parse(sessionQuery, { limit: '', cursor: '' })).toEqual({
    limit: 50,
    cursor: undefined,
    order: 'oldest',
  });
});

test('no fault of any schema is in the words of a library, or repeats what was sent', () => {
  for (const schema of [sendBody, credentials, refreshBody, historyQuery, redriveOptions, dropOptions]) {
    for (const value of [null, 'marker', 7, [], { marker: 'marker' }]) {
      expect(faults(schema, value)?.join() ?? '').not.toMatch(/Invalid|expected|received|Too |Unrecognized/);
    }
  }
});
