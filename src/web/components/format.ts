const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** `1,234` */
export const formatCount = (value: number) => value.toLocaleString('en');

/** `1 job`, `1,234 jobs` */
export const countOf = (count: number, one: string, many = `${one}s`) =>
  `${formatCount(count)} ${count === 1 ? one : many}`;

/** `350 ms`, `2.4 s`, `5 min`, `3 h`, `2 days`. */
export function formatDuration(ms: number): string {
  if (ms < SECOND) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < 10 * SECOND) return `${(ms / SECOND).toFixed(1)} s`;
  if (ms < 2 * MINUTE) return `${Math.round(ms / SECOND)} s`;
  if (ms < 2 * HOUR) return `${Math.round(ms / MINUTE)} min`;
  if (ms < 2 * DAY) return `${Math.round(ms / HOUR)} h`;
  return `${Math.round(ms / DAY)} days`;
}

/** The same in whole seconds, for how long ago something was. */
export const formatAge = (ms: number) =>
  ms < 10 * SECOND ? `${Math.max(1, Math.round(ms / SECOND))} s` : formatDuration(ms);

const clock = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });

/** Such as `14:03:22`, where the reader is. */
export const clockTime = (at: string | number) => clock.format(new Date(at));

/** `12/s`, `0.6/s`, `6/min`: per second where that is a readable number. */
export function formatRate(perSecond: number): string {
  if (perSecond >= 10) return `${formatCount(Math.round(perSecond))}/s`;
  if (perSecond >= 0.5) return `${perSecond.toFixed(1)}/s`;
  return `${(perSecond * 60).toFixed(perSecond * 60 < 10 ? 1 : 0)}/min`;
}
