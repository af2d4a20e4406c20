import fc from 'fast-check';

/** Values that no field expects. */
export const odd = fc.oneof(
  fc.anything({ maxDepth: 2 }),
  fc.constantFrom<unknown>(null, '', ' ', 0, -1, 1e308, true, {}, [], '__proto__', '\u0000', 'x'.repeat(20_000)),
);

/** As JSON, whatever the value is. */
export const asJson = (value: unknown) => {
  try {
    return JSON.stringify(value, (_, part) => (typeof part === 'bigint' ? String(part) : part)) ?? '';
  } catch {
    return '{}';
  }
};
