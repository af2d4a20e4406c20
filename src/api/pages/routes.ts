import { createHash } from 'node:crypto';
import { type Request, type RequestHandler, type Response, Router } from 'express';
import helmet from 'helmet';
import { ApiError } from '../../contracts/errors.ts';
import { addressOf } from '../base-path.ts';
import { type BuiltPages, styleSheetOf } from './built-pages.ts';

const CHAT = 'chat';
const OPERATIONS = 'operations';
const YEAR_SECONDS = 365 * 86_400;

/** A page loads everything from our own server, and no script can make HTML out of text. */
const pagePolicy = helmet.contentSecurityPolicy({
  useDefaults: false,
  directives: {
    defaultSrc: ["'none'"],
    scriptSrc: ["'self'"],
    styleSrc: ["'self'"],
    connectSrc: ["'self'"],
    imgSrc: ["'self'", 'data:'],
    baseUri: ["'none'"],
    formAction: ["'self'"],
    frameAncestors: ["'none'"],
    requireTrustedTypesFor: ["'script'"],
  },
});

/**
 * The pages that run in a browser, and their files in `/assets`. They hold no data. What they show, they ask the API
 * for, and the API asks who is there.
 */
export function createPagesRouter(pages: BuiltPages): Router {
  return Router()
    .get('/', pagePolicy, servePage(pages, CHAT, '/'))
    .get('/admin', pagePolicy, servePage(pages, OPERATIONS, '/admin'))
    .get(`/assets/${OPERATIONS}.css`, (req, res) => sendToStyleSheet(pages, req, res))
    .get('/assets/:name', (req, res) => serveAsset(pages, req, res));
}

/** Pages that the server writes name this address of the style, whatever its present file is. */
function sendToStyleSheet(pages: BuiltPages, req: Request, res: Response): void {
  const name = styleSheetOf(pages, OPERATIONS);
  if (!name) throw new ApiError('pages_not_built');
  res.set('Cache-Control', 'no-cache').redirect(302, addressOf(req, `/assets/${name}`));
}

/** @param path the page's only address */
function servePage(pages: BuiltPages, page: string, path: string): RequestHandler {
  const built = pages.html.get(page)?.toString();
  return (req, res) => {
    if (built === undefined) throw new ApiError('pages_not_built');
    if (req.path !== path) {
      res.redirect(308, addressOf(req, path));
      return;
    }
    // A browser cannot find relative addresses if it asked for `/prefix` without a slash.
    const html = built.replaceAll('="./assets/', `="${addressOf(req, '/assets/')}`);
    const etag = `"${createHash('sha256').update(html).digest('base64url')}"`;
    // The browser asks each time, so it finds the files of the present version.
    res.set({ 'Cache-Control': 'no-cache', ETag: etag });
    if (req.fresh) res.status(304).end();
    else res.type('html').send(html);
  };
}

function serveAsset(pages: BuiltPages, req: Request, res: Response): void {
  const { name } = req.params as { name: string };
  const asset = pages.assets.get(name);
  if (!asset) throw new ApiError('not_found');
  const { content, encoded } = asset;
  res.type(name).set('Cache-Control', `public, max-age=${YEAR_SECONDS}, immutable`);
  if (!encoded) {
    res.send(content);
    return;
  }
  res.vary('Accept-Encoding');
  const encoding = (['br', 'gzip'] as const).find((each) => req.acceptsEncodings(each));
  if (encoding) res.set('Content-Encoding', encoding).send(encoded[encoding]);
  else res.send(content);
}
