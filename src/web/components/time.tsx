import { serverNow } from './ask.ts';
import { clockTime, formatAge } from './format.ts';

const full = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });

/** A moment as its distance from now, such as `3 min ago` or `in 20 s`. The exact time is in its title. */
export function Ago({ at }: { at: string }) {
  const distanceMs = serverNow() - Date.parse(at);
  return (
    <time dateTime={at} title={full.format(new Date(at))}>
      {distanceMs >= 0 ? `${formatAge(distanceMs)} ago` : `in ${formatAge(-distanceMs)}`}
    </time>
  );
}

/** A moment as a time of day, with its date unless that is today. */
export function At({ at }: { at: string }) {
  const date = new Date(at);
  const isToday = date.toDateString() === new Date().toDateString();
  return (
    <time dateTime={at} title={full.format(date)}>
      {isToday ? clockTime(at) : full.format(date)}
    </time>
  );
}
