import { loginDocument } from '../auth/login-document.ts';
import { escapeHtml } from '../escape-html.ts';

const CREDENTIAL_FIELDS = `
        <label>Email <input name="email" type="email" autocomplete="username" required autofocus></label>
        <label>Password <input name="password" type="password" autocomplete="current-password" required></label>
        <label>Code of your authenticator app, if you have set one up
          <input name="totp" inputmode="numeric" autocomplete="one-time-code" maxlength="64"></label>`;
const TOKEN_FIELDS = `
        <label>Access token of your identity provider
          <input name="token" type="password" autocomplete="off" required autofocus></label>`;

/**
 * The page where an admin logs in. It works without scripts.
 * @param options.fields what the page asks for; undefined: nothing, because people log in at an identity provider only
 * @param options.provider where people log in as well; undefined: nowhere. `isLeft`: they have just logged out here
 * @param options.message why the last try failed; our own text
 * @param options.notice what prevents logins here; our own text
 * @param options.action where the form is sent; our own address
 * @param options.view the view of the operations page to show next; empty for the first one
 * @param options.styleSheet its address
 */
export const loginPage = (options: {
  fields: 'password' | 'token' | undefined;
  provider: { name: string; logIn: string; logOut: string; isLeft: boolean } | undefined;
  message?: string | undefined;
  notice?: string | undefined;
  action: string;
  view: string;
  styleSheet: string;
}) =>
  loginDocument({
    title: 'Log in - healify-chat operations',
    styleSheet: options.styleSheet,
    main: `<h1>healify-chat</h1>
      <p>Operations: health, queues, jobs, dead letters and model providers.</p>
      ${options.notice ? `<p role="note">${options.notice}</p>` : ''}
      ${options.message ? `<p role="alert">${options.message}</p>` : ''}
      ${options.provider ? providerLinks(options.provider) : ''}
      ${options.fields ? form({ ...options, fields: options.fields }) : ''}`,
  });

const form = ({ fields, action, view }: { fields: 'password' | 'token'; action: string; view: string }) =>
  `<form method="post" action="${action}">${fields === 'password' ? CREDENTIAL_FIELDS : TOKEN_FIELDS}
        <input type="hidden" name="view" value="${escapeHtml(view)}">
        <button class="primary">Log in</button>
      </form>`;

/** Links and not forms: a page's policy lets no form lead to another site. */
const providerLinks = ({
  name,
  logIn,
  logOut,
  isLeft,
}: {
  name: string;
  logIn: string;
  logOut: string;
  isLeft: boolean;
}) =>
  `<p><a class="primary button" href="${escapeHtml(logIn)}">Log in with ${escapeHtml(name)}</a></p>
      ${isLeft ? `<p><a href="${escapeHtml(logOut)}">Log out at ${escapeHtml(name)}, too</a></p>` : ''}`;
