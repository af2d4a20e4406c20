import { useEffect, useState } from 'preact/hooks';
import { ChatError } from '../../client/chat-client.ts';
import { login, providerAddresses } from './api.ts';
import { wordsOf } from './conversation/open-conversation.ts';

/** Returns the code that the page's address has after a login at the identity provider: `#/signed-in/CODE`. */
export const signInCodeOf = (hash: string): string | undefined => /^#\/signed-in\/([\w-]{20,128})$/.exec(hash)?.[1];

/** For somebody whom the identity provider has just let in. It gets their tokens. */
export function SignedIn({ code, onEnd }: { code: string; onEnd: () => void }) {
  const [problem, setProblem] = useState<string>();
  useEffect(() => {
    document.title = 'Sign in · healify-chat';
    // The code is of no more use.
    history.replaceState(null, '', '#/');
    login.signedIn(code).then(onEnd, (error) => setProblem(problemOf(error)));
  }, [code]);
  return (
    <main class="sign-in">
      <header>
        <h1>healify-chat</h1>
      </header>
      <section class="card" aria-label="Sign in">
        <p role="status">{problem ? '' : 'One moment …'}</p>
        <p class="form-problem" role="alert">
          {problem}
        </p>
        {problem && (
          <>
            <a class="primary button" href={providerAddresses.logIn}>
              Try again
            </a>
            <p class="switch">
              <button type="button" class="plain" onClick={onEnd}>
                Back to sign in
              </button>
            </p>
          </>
        )}
      </section>
    </main>
  );
}

function problemOf(error: unknown): string {
  if (!(error instanceof ChatError)) return wordsOf(error);
  if (error.code === 'sign_in_unknown') return 'This sign-in was used before, or has taken too long.';
  if (error.code === 'account_disabled') return 'This account is disabled. Ask those who run this service.';
  if (error.code === 'rate_limited') return 'Too many tries. Wait a minute, then try again.';
  return wordsOf(error);
}
