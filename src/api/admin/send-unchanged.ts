import { hash } from 'node:crypto';
import type { Request, Response } from 'express';

/**
 * Sends JSON, or 304 if the caller has just this already. Browsers keep the reply, and ask whether it has changed each time
 * that they need it.
 */
export function sendUnlessUnchanged(req: Request, res: Response, body: unknown): void {
  const json = JSON.stringify(body);
  res.set('ETag', `"${hash('sha256', json, 'base64url')}"`).set('Cache-Control', 'private, no-cache');
  if (req.fresh) res.status(304).end();
  else res.type('json').send(json);
}
