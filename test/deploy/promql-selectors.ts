/** Words of PromQL that may stand where a metric may. */
const KEYWORDS = new Set(['and', 'or', 'unless', 'bool', 'offset', 'inf', 'nan']);

/** A metric of a query, and what is asked of its labels: `{…}`, or nothing. */
export interface Selector {
  metric: string;
  matchers: string;
}

/** All selectors of a query in PromQL, without their ranges and offsets. */
export function selectorsIn(expr: string): Selector[] {
  const bare = expr.replace(/\[[^\]]*\]/g, '').replace(/\b(by|on|without|ignoring)\s*\([^)]*\)/g, '');
  // A text is matched first, so that nothing within it is taken for a metric.
  const parts = bare.matchAll(/"[^"]*"|(?<![\w.:])([a-z_:][\w:]*)\s*(\{(?:"[^"]*"|[^"}])*\})?(?!\s*\()(?![\w:])/gi);
  return [...parts]
    .filter(([, metric]) => metric !== undefined && !KEYWORDS.has(metric))
    .map(([, metric, matchers = '']) => ({ metric: metric!, matchers }));
}
