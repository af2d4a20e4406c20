import type { OpenApiDocument } from './docs/openapi.ts';

/** A route as it is documented: `/chat/session/{sessionId}`, and the methods it has. */
export interface DocumentedRoute {
  pattern: string;
  methods: string[];
}

/** Finds the route that a path belongs to. */
export type FindRoute = (path: string) => DocumentedRoute | undefined;

const METHODS = ['get', 'put', 'post', 'delete', 'patch'] as const;

/** Indexes the documented routes. Metrics need their patterns, and a 405 reply needs their methods. */
export function indexRoutes(document: OpenApiDocument): FindRoute {
  const exact = new Map<string, DocumentedRoute>();
  const patterns: { regex: RegExp; route: DocumentedRoute }[] = [];
  for (const [pattern, item] of Object.entries(document.paths ?? {})) {
    const methods = METHODS.filter((method) => item[method]).map((method) => method.toUpperCase());
    const route = { pattern, methods: methods.includes('GET') ? [...methods, 'HEAD'] : methods };
    if (pattern.includes('{')) patterns.push({ regex: regexOf(pattern), route });
    else exact.set(pattern, route);
  }
  return (path) => exact.get(path) ?? patterns.find(({ regex }) => regex.test(path))?.route;
}

const regexOf = (pattern: string) => new RegExp(`^${pattern.replace(/[.]/g, '\\.').replace(/\{[^}]+\}/g, '[^/]+')}$`);
