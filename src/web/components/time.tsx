import { serverNow } from './ask.ts';
import { formatDuration } from './format.ts';

const full = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });

/** Such as `14:03:22`, where the reader is. */
export const clockTime = (at: string | number) => clock.format(new Date(at));

/** A moment as its distance from now, such as `3 min ago` or `in 20 s`. The exact time is in its title. */
export function Ago({ at }: { at: string }) {
  const distanceMs = serverNow() - Date.parse(at);
  return (
    <time dateTime={at} title={full.format(new Date(at))}>
      {distanceMs >= 0
        ? `${formatDuration(roundToSecond(distanceMs))} ago`
        : `in ${formatDuration(roundToSecond(-distanceMs))}`}
    </time>
  );
}

/** A moment as a time of day, with its date unless that is today. */
export function At({ at }: { at: string }) {
  const date = new Date(at);
  const isToday = date.toDateString() === new Date().toDateString();
  return (
    <time dateTime={at} title={full.format(date)}>
      {isToday ? clock.format(date) : full.format(date)}
    </time>
  );
}

const roundToSecond = (ms: number) => Math.max(1_000, Math.round(ms / 1_000) * 1_000);
