const CANONICAL = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const READABLE =
  /^(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d)(?::(\d\d)(?:[.,](\d+))?)? ?(?:([Zz])|([+-]\d\d)(?::?(\d\d))?)?(?:\[[^\]]*\])?$/;

/**
 * Reads a time in any form that a common language writes by default: ISO 8601 with any number of digits after the
 * second, with a `T` or a space between date and time, with or without an offset. The name of a time zone may follow
 * (RFC 9557). Without an offset it is UTC. A leap second (`:60`) counts as the second before it.
 * @returns ISO 8601 in UTC with milliseconds; undefined for anything else
 */
export function readMoment(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  if (CANONICAL.test(value)) return Number.isNaN(Date.parse(value)) ? undefined : keepIfReal(value, value.slice(0, 10));
  const [, date, time, seconds = '00', fraction = '', , hours, minutes = '00'] = READABLE.exec(value) ?? [];
  if (!date) return undefined;
  const zone = hours === undefined ? 'Z' : `${hours}:${minutes}`;
  const second = seconds === '60' ? '59' : seconds;
  const at = new Date(`${date}T${time}:${second}.${fraction.slice(0, 3).padEnd(3, '0')}${zone}`);
  if (Number.isNaN(at.getTime())) return undefined;
  const moment = at.toISOString();
  // Years before 0 and after 9999 have six digits.
  return CANONICAL.test(moment) ? keepIfReal(moment, date) : undefined;
}

/** JavaScript reads 31 February as 3 March, so such dates are refused here. */
const keepIfReal = (moment: string, date: string) =>
  Number(date.slice(8)) <= 28 || new Date(`${date}T00:00:00Z`).toISOString().startsWith(date) ? moment : undefined;
