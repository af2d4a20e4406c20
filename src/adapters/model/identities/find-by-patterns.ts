import { createPhoneFinder } from './find-phones.ts';
import { type FindIdentities, findAll } from './identity.ts';

/** A kind of identity, and its pattern, in which `#` stands for a digit and `@` for a letter. */
export interface IdentityPattern {
  kind: string;
  pattern: string;
}

// Each repetition has a bound, and none is within another one that it could be mistaken for. So the time of a search grows
// with the length of the text only.

const EMAIL = /[\p{L}\d._%+'-]{1,64}@(?:[\p{L}\d-]{1,63}\.){1,8}\p{L}{2,24}/gu;

/** At least four characters, one of them a digit. */
const NUMBER = String.raw`(?=[\p{L}/.-]{0,12}\d)[\p{L}\d][\p{L}\d/.-]{2,28}[\p{L}\d]`;
/** Letters that only stand before the number of a record. */
const AFTER_ABBREVIATION = new RegExp(
  String.raw`\b(?:MRN|NHS|SSN|KVNR|PID)\b[\s:#.]{0,4}(?:(?:no|nr|number)\b[\s:#.]{0,4})?(${NUMBER})`,
  'giu',
);
/** `patient ID 7`, `case no. 7`, `Versichertennummer: 7`. */
const AFTER_WORDS = new RegExp(
  String.raw`\b(?:patient|record|case|chart|file|policy|insurance|member|versicher|akte|fall|kranken)\p{L}{0,16}[ -]{0,2}(?:\b(?:id|no|nr|num|number|nummer)\b|(?<=nummer|nr))[\s:#.]{0,4}(${NUMBER})`,
  'giu',
);
/** Numbers that are too long for a quantity, with up to four letters before them, and numbers of social security. */
const BARE = /(?<![\p{L}\d.,/-])(?:\p{Lu}{1,4}-?\d{6,20}|\d{8,20}|\d{3}-\d{2}-\d{4})(?![\p{L}\d]|[.,]\d)/gu;

/** @param pattern its first group, or the whole match, is the identity; a group stands at the end of the match */
const finderOf =
  (kind: string, pattern: RegExp): FindIdentities =>
  (text) =>
    Array.from(text.matchAll(pattern), ({ index, 0: match, 1: group = match }) => {
      const end = index + match.length;
      return { kind, start: end - group.length, end };
    });

/** Makes the finder of an operator's pattern. A match is a whole word. */
function templateFinder({ kind, pattern }: IdentityPattern): FindIdentities {
  const source = Array.from(pattern, (char) => {
    if (char === '#') return '\\d';
    return char === '@' ? '\\p{L}' : char.replace(/[\\^$.*+?()[\]{}|/]/, '\\$&');
  }).join('');
  return finderOf(kind, new RegExp(`(?<![\\p{L}\\d])${source}(?![\\p{L}\\d])`, 'gu'));
}

/**
 * Makes the finder that is included: email addresses, an operator's own patterns, record numbers, and phone numbers. It finds
 * no names and no addresses of houses.
 * @param options.phoneCountry of phone numbers without an international prefix; undefined: those are not found
 */
export const createPatternFinder = (options: {
  phoneCountry?: string | undefined;
  identityPatterns: readonly IdentityPattern[];
}): FindIdentities =>
  findAll([
    finderOf('EMAIL', EMAIL),
    ...options.identityPatterns.map(templateFinder),
    finderOf('RECORD', AFTER_ABBREVIATION),
    finderOf('RECORD', AFTER_WORDS),
    createPhoneFinder(options.phoneCountry),
    finderOf('RECORD', BARE),
  ]);
