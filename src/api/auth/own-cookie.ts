import { createHash } from 'node:crypto';
import type { CookieOptions, Request, Response } from 'express';
import { askedAddress, isOnOwnMachine } from '../transport.ts';

/**
 * A cookie that only we can set and that scripts cannot read. Its name begins with `__Host-`: browsers then take it over https
 * only, and neither from another host of our domain nor from somebody who changes plain http on its way. On the browser's own
 * machine, and where plain http is allowed, it has the plain name.
 */
export interface OwnCookie {
  /** Returns what the browser sends, if it sends the cookie. */
  read(req: Request): string | undefined;
  /** @param page where the browser shows our page; undefined: it does not say */
  set(res: Response, value: string, page: URL | undefined, maxAgeMs: number): void;
  /** Makes the browser forget the cookie. */
  clear(req: Request, res: Response): void;
}

/**
 * @param options.value what a value looks like
 * @param options.basePath is in the cookie's name, because several installations may share an origin: see serveUnder
 * @param options.overHttp whether the cookie may be sent over plain http, also to other machines
 */
export function createOwnCookie(options: {
  name: string;
  value: RegExp;
  sameSite: 'strict' | 'lax';
  basePath: string;
  overHttp: boolean;
}): OwnCookie {
  const { value, sameSite, basePath, overHttp } = options;
  const plainName = basePath === '' ? options.name : `${options.name}-${hashOf(basePath)}`;
  const hostName = `__Host-${plainName}`;
  const [plain, host] = [plainName, hostName].map(
    (name) => new RegExp(`(?:^|;\\s*)${name}=(${value.source})(?=;|\\s*$)`),
  ) as [RegExp, RegExp];
  const attributes = { httpOnly: true, sameSite, path: '/' } satisfies CookieOptions;
  const mayBePlain = (page: URL | undefined) => isOnOwnMachine(page) || (overHttp && page?.protocol !== 'https:');

  return {
    read: (req) => {
      const cookies = req.get('Cookie') ?? '';
      // Others may have set the plain one.
      return host.exec(cookies)?.[1] ?? (mayBePlain(askedAddress(req)) ? plain.exec(cookies)?.[1] : undefined);
    },
    set: (res, content, page, maxAge) => {
      const secure = !mayBePlain(page);
      res.cookie(secure ? hostName : plainName, content, { ...attributes, secure, maxAge });
    },
    clear: (req, res) => {
      const cookies = req.get('Cookie') ?? '';
      if (host.test(cookies)) res.clearCookie(hostName, { ...attributes, secure: true });
      if (plain.test(cookies)) res.clearCookie(plainName, attributes);
    },
  };
}

const hashOf = (basePath: string) => createHash('sha256').update(basePath).digest('hex').slice(0, 8);
