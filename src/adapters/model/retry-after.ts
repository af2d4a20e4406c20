const DATE =
  /(?:[A-Z][a-z]{2,8}, )?\d{1,2}[ -][A-Z][a-z]{2}[ -]\d{2,4} \d{2}:\d{2}:\d{2} (?:GMT|UTC|[+-]\d{4})|\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)/g;
const NUMBER = /^(\d+(?:\.\d+)?) ?s?$/;
/** A number this large is not a pause but a point in time, in seconds since 1970. */
const EPOCH_SECONDS = 1e9;

/**
 * Returns how long a reply asks us to wait, in ms. It may use OpenAI's `retry-after-ms`, or `Retry-After` with seconds
 * or a date. Headers that come twice are joined with commas. The longest pause counts.
 * @param now ms since 1970, for a date
 * @returns undefined: no readable header
 */
export function retryAfterMs(headers: Headers, now = Date.now()): number | undefined {
  const ms = numbersIn(headers.get('retry-after-ms'));
  if (ms.length > 0) return Math.max(...ms);
  const after = headers.get('retry-after');
  const pauses = [
    ...numbersIn(after).map((seconds) => (seconds < EPOCH_SECONDS ? seconds * 1000 : seconds * 1000 - now)),
    ...(after?.match(DATE) ?? []).map((date) => Date.parse(date) - now).filter((pause) => !Number.isNaN(pause)),
  ];
  return pauses.length > 0 ? Math.max(0, ...pauses) : undefined;
}

const numbersIn = (header: string | null) =>
  (header ?? '')
    .split(',')
    .flatMap((value) => NUMBER.exec(value.trim())?.[1] ?? [])
    .map(Number);
