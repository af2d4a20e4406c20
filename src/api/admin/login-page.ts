import { createHash } from 'node:crypto';

const STYLE = `
  :root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
  body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: light-dark(#f3f5f8, #14181f); }
  main { width: min(22rem, 90vw); padding: 2rem; border-radius: .75rem; background: light-dark(#fff, #1e242e);
    box-shadow: 0 1px 3px #0003, 0 8px 24px #0001; }
  h1 { margin: 0 0 .25rem; font-size: 1.25rem; }
  p { margin: 0 0 1.25rem; color: light-dark(#5a6472, #9aa5b5); font-size: .9rem; }
  p[role=alert] { padding: .6rem .75rem; border-radius: .4rem; color: light-dark(#8f1d1d, #ffb4b4);
    background: light-dark(#fdecec, #3d2226); }
  p[role=note] { padding: .6rem .75rem; border-radius: .4rem; color: light-dark(#5f4300, #ffd98a);
    background: light-dark(#fff4d6, #3a3118); }
  label { display: block; margin-bottom: 1rem; font-size: .9rem; font-weight: 600; }
  input { box-sizing: border-box; width: 100%; margin-top: .3rem; padding: .55rem .7rem; font: inherit; font-weight: 400;
    border: 1px solid light-dark(#c3cad4, #465062); border-radius: .4rem; background: transparent; color: inherit; }
  button { width: 100%; padding: .6rem; font: inherit; font-weight: 600; color: #fff; background: #2563c9; border: 0;
    border-radius: .4rem; cursor: pointer; }
  button:hover { background: #1d4fa3; }
  :focus-visible { outline: 2px solid #2563c9; outline-offset: 2px; }
`;

/** The hash with which a Content-Security-Policy allows the page's style. */
export const LOGIN_STYLE_HASH = `'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`;

const CREDENTIAL_FIELDS = `
      <label>Email <input name="email" type="email" autocomplete="username" required autofocus></label>
      <label>Password <input name="password" type="password" autocomplete="current-password" required></label>`;
const TOKEN_FIELDS = `
      <label>Access token of your identity provider
        <input name="token" type="password" autocomplete="off" required autofocus></label>`;

/**
 * The page where an admin logs in.
 * @param options.accounts false if an identity provider has the accounts; then the page asks for a token
 * @param options.message why the last try failed; our own text
 * @param options.notice what prevents logins here; our own text
 * @param options.action where the form is sent; our own address
 */
export const loginPage = (options: {
  accounts: boolean;
  message?: string | undefined;
  notice?: string | undefined;
  action: string;
}) => `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Log in - healify-chat admin</title>
    <style>${STYLE}</style>
  </head>
  <body>
    <main>
      <h1>healify-chat admin</h1>
      <p>Jobs, retries and dead letters.</p>
      ${options.notice ? `<p role="note">${options.notice}</p>` : ''}
      ${options.message ? `<p role="alert">${options.message}</p>` : ''}
      <form method="post" action="${options.action}">${options.accounts ? CREDENTIAL_FIELDS : TOKEN_FIELDS}
        <button>Log in</button>
      </form>
    </main>
  </body>
</html>
`;
