import type { Request, RequestHandler } from 'express';

/** The name under which the app knows where it is served. */
export const BASE_PATH_SETTING = 'base path';

/**
 * Serves the API under a path prefix, whether or not the proxy before it takes the prefix away: what begins with the
 * prefix is served without it, and everything else as it is. `req.originalUrl` is always what the client asked for.
 * @param basePath without a slash at its end, such as `/healify`; empty where there is no prefix
 */
export const serveUnder =
  (basePath: string): RequestHandler =>
  (req, _res, next) => {
    if (basePath === '') return next();
    if (req.url.startsWith(basePath)) {
      const rest = req.url.slice(basePath.length);
      if (rest === '' || rest.startsWith('?')) req.url = `/${rest}`;
      else if (rest.startsWith('/')) req.url = rest;
    }
    req.originalUrl = `${basePath}${req.url}`;
    next();
  };

/** The address of one of our paths, as a client must ask for it. */
export const addressOf = (req: Request, path: string): string => `${req.app.get(BASE_PATH_SETTING) ?? ''}${path}`;
