import { createOwnCookie, type OwnCookie } from './own-cookie.ts';

/**
 * The cookie of the admin's pages. It holds the id of a session. No page of another site can make the browser send it.
 * @param options see createOwnCookie
 */
export const createAdminCookie = (options: { basePath: string; overHttp: boolean }): OwnCookie =>
  createOwnCookie({ ...options, name: 'healify_admin', value: /[\w-]{43}/, sameSite: 'strict' });
