import { expect, test } from '@jest/globals';
import { createPatternFinder } from '../../../../src/adapters/model/identities/find-by-patterns.ts';

const find = createPatternFinder({
  phoneCountry: 'DE',
  identityPatterns: [
    { kind: 'CASE', pattern: 'F-####' },
    { kind: 'WARD', pattern: '@@.#' },
  ],
});
const found = (text: string) => find(text).map(({ kind, start, end }) => `${kind} ${text.slice(start, end)}`);

test.each([
  ["write to jane.o'neil+x@mail.example.co.uk, please", "EMAIL jane.o'neil+x@mail.example.co.uk"],
  ['schreib an jürgen@bücher.example.', 'EMAIL jürgen@bücher.example'],
  ['call +49 30 1234567 today', 'PHONE +49 30 1234567'],
  ['Tel. 030/1234567', 'PHONE 030/1234567'],
  ['(0176) 55512345', 'PHONE (0176) 55512345'],
  ['my MRN is: no, MRN: 00123', 'RECORD 00123'],
  ['Patient ID A-1234', 'RECORD A-1234'],
  ['record number 77/1234', 'RECORD 77/1234'],
  ['Versichertennummer: A12345', 'RECORD A12345'],
  ['insured as A123456789', 'RECORD A123456789'],
  ['SSN 078-05-1120', 'RECORD 078-05-1120'],
  ['078-05-1120', 'RECORD 078-05-1120'],
  ['case F-1234', 'CASE F-1234'],
  ['on ab.7', 'WARD ab.7'],
])('in "%s", %s is found', (text, identity) => {
  expect(found(text)).toContain(identity);
});

test.each([
  'My blood pressure is 120/80 and 130-90, weight 82.5 kg.',
  'On 12.05.2024 and 2024-05-12 at 14:30 I took 500 mg, 3-2-1.',
  '250,000,000 units, 0.00012345678 g, 1.500.000 cells',
  'XF-1234 and F-12345 are no cases; abc.7 is no ward',
  'I am the patient in the case of Mr. Miller, who is 45.',
  'an @ alone, a@b, and @handle',
])('nothing is found in "%s"', (text) => {
  expect(found(text)).toEqual([]);
});

/** Texts on which a search that tries again and again would take minutes. */
const HOSTILE = [
  '1',
  '12 ',
  '(1',
  '+',
  '+1 2-3(4)5.6/7x8 ',
  'a',
  'a.',
  'a@',
  'a@a.',
  'A1',
  'patient',
  'patient no. ',
  'MRN ',
  '1-',
  '[',
  '0',
];

test.each(HOSTILE)('the time for a text of many "%s" grows with its length, and not faster', (piece) => {
  const timeOf = (chars: number) => {
    const text = piece.repeat(chars / piece.length);
    const times = Array.from({ length: 3 }, () => {
      const startedAt = performance.now();
      find(text);
      return performance.now() - startedAt;
    });
    return Math.min(...times);
  };
  timeOf(4_000);
  // Sixteen times the text; a square would be 256 times.
  expect(timeOf(256_000)).toBeLessThan(100 * Math.max(timeOf(16_000), 2));
});
