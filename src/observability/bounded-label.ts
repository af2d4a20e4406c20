/** What a label says in place of a value that is too many or too odd. */
export const OTHER = 'other';

/** Longer names of models and providers are not known. */
const WELL_FORMED = /^[\w ./:@+-]{1,128}$/;

/**
 * Bounds the values of a label, because each value is a time series that Prometheus keeps. The first `most` values pass, all
 * others become `other`. So does a value that looks like a text and not like a name.
 * @param most far more than there are, unless somebody makes values up
 */
export function boundedLabel(most = 100): (value: string) => string {
  const known = new Set<string>();
  return (value) => {
    if (known.has(value)) return value;
    if (known.size >= most || !WELL_FORMED.test(value)) return OTHER;
    known.add(value);
    return value;
  };
}
