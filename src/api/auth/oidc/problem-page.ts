import { escapeHtml } from '../../escape-html.ts';
import { loginDocument } from '../login-document.ts';

/**
 * The page that says why somebody is not logged in, and what to do. It works without scripts.
 * @param options.message our own text
 * @param options.again the address to try again; our own
 * @param options.logOut the address to log out at the provider, which would say the same of them again; our own. Left out: it need not
 * @param options.back the address of the page that they wanted to log in to; our own
 * @param options.styleSheet its address
 */
export const problemPage = (options: {
  message: string;
  again: string;
  logOut?: { address: string; providerName: string } | undefined;
  back: string;
  styleSheet: string;
}) =>
  loginDocument({
    title: 'Not logged in - healify-chat',
    styleSheet: options.styleSheet,
    main: `<h1>You are not logged in</h1>
      <p role="alert">${escapeHtml(options.message)}</p>
      <p><a class="primary button" href="${escapeHtml(options.again)}">Try again</a></p>${logOutLink(options.logOut)}
      <p><a href="${escapeHtml(options.back)}">Back to the login</a></p>`,
  });

const logOutLink = (logOut: { address: string; providerName: string } | undefined) =>
  logOut
    ? `
      <p><a href="${escapeHtml(logOut.address)}">Log out at ${escapeHtml(logOut.providerName)}</a></p>`
    : '';
