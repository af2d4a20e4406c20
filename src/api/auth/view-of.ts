/**
 * Returns the view of a page to show after a login: what its address has behind the `#`. A view is shown by our own page only, so
 * it cannot lead to another site.
 */
export const viewOf = (value: unknown): string =>
  typeof value === 'string' && /^\/[\w\-.~%!$&'()*+,;=:@/?]{0,2000}$/.test(value) ? value : '';
