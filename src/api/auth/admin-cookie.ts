import type { Request } from 'express';

/** The cookie of the admin's pages. It holds the id of a session. Browsers send it only to our own /admin. */
export const ADMIN_COOKIE = 'healify_admin';

const COOKIE = new RegExp(`(?:^|;\\s*)${ADMIN_COOKIE}=([\\w-]{43})(?=;|\\s*$)`);

/** Returns the id of the session that a browser sends, if it sends one. */
export const readAdminCookie = (req: Request): string | undefined => COOKIE.exec(req.get('Cookie') ?? '')?.[1];
