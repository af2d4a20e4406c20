import type { CountryCode } from 'libphonenumber-js/max';
import { phoneNumbers } from '../../../contracts/packages.ts';
import type { FindIdentities, Identity } from './identity.ts';

/**
 * What may be a phone number. libphonenumber searches a hostile text of 30 kB for half a second, so it is only given such
 * short parts. A date such as 2026-01-31 is none of them.
 */
const CANDIDATE = /(?<![\p{L}\d])(?!\d{4}-\d{2}-\d{2}(?!\d))[+(\d][\d ()./\u00a0\u2010-\u2015-]{5,38}\d(?![\p{L}\d])/gu;
/** How many parts of a text libphonenumber is asked about. In the rest of the text, each part counts as a phone number. */
const MOST_ASKED = 300;

/** Makes a finder of phone numbers. @param country of numbers without an international prefix, such as `DE` */
export function createPhoneFinder(country: string | undefined): FindIdentities {
  const { findPhoneNumbersInText } = phoneNumbers();
  const options = {
    extended: false,
    ...(country !== undefined && { defaultCountry: country as CountryCode }),
  } as const;
  const within = (part: string, at: number): Identity[] =>
    findPhoneNumbersInText(part, options).map(({ startsAt, endsAt }) => ({
      kind: 'PHONE',
      start: at + startsAt,
      end: at + endsAt,
    }));
  return (text) =>
    Array.from(text.matchAll(CANDIDATE)).flatMap(({ index, 0: part }, asked) =>
      asked < MOST_ASKED ? within(part, index) : [{ kind: 'PHONE', start: index, end: index + part.length }],
    );
}
