/** How much happens in each hour of a day, from midnight on: little at night, much in the morning and in the evening. */
const HOURS = [2, 1, 1, 1, 1, 2, 4, 8, 12, 13, 12, 11, 9, 10, 11, 11, 10, 10, 12, 14, 15, 12, 8, 4];
const DAY = HOURS.reduce((sum, each) => sum + each, 0);

/**
 * Returns which share of the day's questions is asked before a moment.
 * @param day the moment, from 0 (midnight) to 1 (the next one)
 */
export function shareUntil(day: number): number {
  const hour = Math.min(HOURS.length, Math.max(0, day * HOURS.length));
  const whole = Math.floor(hour);
  const before = HOURS.slice(0, whole).reduce((sum, each) => sum + each, 0);
  return (before + (HOURS[whole] ?? 0) * (hour - whole)) / DAY;
}

/** Returns the time of day as people write it, such as 09:30. */
export function clockAt(day: number): string {
  const minutes = Math.min(24 * 60 - 1, Math.floor(day * 24 * 60));
  return `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`;
}
