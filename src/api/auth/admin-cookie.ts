import type { Request } from 'express';

/** The cookie of the admin's pages. It has the id of a session, and browsers send it to our own /admin only. */
export const ADMIN_COOKIE = 'healify_admin';

const COOKIE = new RegExp(`(?:^|;\\s*)${ADMIN_COOKIE}=([\\w-]{43})(?=;|\\s*$)`);

/** The id of the session that a browser sends, if it sends one. */
export const readAdminCookie = (req: Request): string | undefined => COOKIE.exec(req.get('Cookie') ?? '')?.[1];
