import { escapeHtml } from '../../escape-html.ts';
import { loginDocument } from '../login-document.ts';

/**
 * The page that says why somebody is not logged in, and what to do. It works without scripts.
 * @param options.message our own text
 * @param options.again the address to try again; our own
 * @param options.back the address of the page that they wanted to log in to; our own
 * @param options.styleSheet its address
 */
export const problemPage = (options: { message: string; again: string; back: string; styleSheet: string }) =>
  loginDocument({
    title: 'Not logged in - healify-chat',
    styleSheet: options.styleSheet,
    main: `<h1>You are not logged in</h1>
      <p role="alert">${escapeHtml(options.message)}</p>
      <p><a class="primary button" href="${escapeHtml(options.again)}">Try again</a></p>
      <p><a href="${escapeHtml(options.back)}">Back to the login</a></p>`,
  });
