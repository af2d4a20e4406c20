const DAY_MS = 86_400_000;
/** Anybody can write any number into the headers of a letter. So what is older than this, or of the future, counts as of the nearest day in between. */
const MOST_DAYS = 3_660;

/** How many letters became dead letters on each day, by the number of the day since 1970. */
export type LetterDays = Record<string, number>;

/** What is known of since when letters stand. */
export interface LetterTimes {
  /** When the first of them became a dead letter, in ms, within ten years from today; null: none of them says. */
  oldestAt: number | null;
  days: LetterDays;
}

/** Counts letters by the day on which they became dead letters. */
export function createLetterDays(now = Date.now()) {
  const today = Math.floor(now / DAY_MS);
  const days: LetterDays = {};
  let oldestAt: number | null = null;
  return {
    /** @param at ms; undefined: the letter does not say */
    add: (at: number | undefined): void => {
      if (at === undefined || Number.isNaN(at)) return;
      // It becomes a date, and most numbers are none.
      const bounded = Math.min((today + MOST_DAYS) * DAY_MS, Math.max((today - MOST_DAYS) * DAY_MS, at));
      oldestAt = Math.min(oldestAt ?? bounded, bounded);
      const day = Math.min(today, Math.max(today - MOST_DAYS, Math.floor(at / DAY_MS)));
      days[day] = (days[day] ?? 0) + 1;
    },
    read: (): LetterTimes => ({ oldestAt, days }),
  };
}

/** Returns how many letters became dead letters before a time, in ms. The whole day of that time counts. */
export const lettersBefore = (days: LetterDays, at: number): number =>
  Object.entries(days).reduce((sum, [day, count]) => sum + (Number(day) * DAY_MS < at ? count : 0), 0);
