import type { Request, RequestHandler } from 'express';

/** The name of the Express setting that holds the base path. */
export const BASE_PATH_SETTING = 'base path';

/**
 * Serves the API under a path prefix, whether the proxy in front removes the prefix or not. A path with the prefix is
 * served without it, and any other path as it is. `req.originalUrl` is always what the client asked for.
 * @param basePath without a slash at its end, such as `/healify`; empty if there is no prefix
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

/** Returns the address at which a client reaches one of our paths. */
export const addressOf = (req: Request, path: string): string => `${req.app.get(BASE_PATH_SETTING) ?? ''}${path}`;
