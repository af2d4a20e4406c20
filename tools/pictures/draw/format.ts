const SECOND = 1;
const MINUTE = 60;
const HOUR = 3600;

/** Prefixes of numbers, with what they stand for. */
const THOUSANDS = [
  [1e9, 'G'],
  [1e6, 'M'],
  [1e3, 'k'],
] as const;
const BYTES = [
  [2 ** 30, ' GiB'],
  [2 ** 20, ' MiB'],
  [2 ** 10, ' KiB'],
] as const;

/** Writes a number in a unit of Grafana, shortly. */
export function formatValue(value: number, unit = 'short'): string {
  switch (unit) {
    case 's':
      return formatSeconds(value);
    case 'percentunit':
      return `${digits(value * 100)} %`;
    case 'bytes':
      return scaled(value, BYTES, ' B');
    case 'Bps':
      return `${scaled(value, BYTES, ' B')}/s`;
    case 'reqps':
    case 'ops':
      return `${scaled(value, THOUSANDS, '')}/s`;
    case 'currencyUSD':
      return `$${digits(value)}`;
    default:
      return scaled(value, THOUSANDS, '');
  }
}

function formatSeconds(value: number): string {
  if (value === 0) return '0 s';
  if (value < 0.001) return `${digits(value * 1e6)} µs`;
  if (value < SECOND) return `${digits(value * 1e3)} ms`;
  if (value < 2 * MINUTE) return `${digits(value)} s`;
  return value < 2 * HOUR ? `${digits(value / MINUTE)} min` : `${digits(value / HOUR)} h`;
}

function scaled(value: number, prefixes: readonly (readonly [number, string])[], plain: string): string {
  const [size, name] = prefixes.find(([size]) => Math.abs(value) >= size) ?? [1, plain];
  return `${digits(value / size)}${name}`;
}

/** Three digits that count. */
const digits = (value: number) => String(Number(value.toPrecision(3)));

/** Makes a text safe within HTML. */
export const escapeHtml = (text: string) => text.replace(/[&<>"]/g, (character) => `&#${character.codePointAt(0)};`);
