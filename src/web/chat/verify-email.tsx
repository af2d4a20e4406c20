import { useState } from 'preact/hooks';
import { ChatError } from '../../client/chat-client.ts';
import { account, login } from './api.ts';
import { wordsOf } from './conversation/open-conversation.ts';

/** Returns the token that a mail's link has, such as `#/verify/TOKEN`. */
export const proofIn = (hash: string): string | undefined => /^#\/verify\/([\w-]{20,128})$/.exec(hash)?.[1];

/**
 * For somebody who has opened the link of such a mail. They press a button, because programs that check mails open links, too.
 * @param props.onDone called when they go on
 */
export function VerifyEmail({ token, onDone }: { token: string; onDone: () => void }) {
  const [state, setState] = useState<'asking' | 'working' | 'done'>('asking');
  const [problem, setProblem] = useState<string>();
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    setState('working');
    setProblem(undefined);
    try {
      await login.verifyEmail(token);
      setState('done');
    } catch (error) {
      setProblem(problemOf(error));
      setState('asking');
    }
  };
  return (
    <main class="sign-in">
      <h1>healify-chat</h1>
      <form class="card" onSubmit={submit} aria-label="Verify your email">
        <p role="status">{state === 'done' ? 'Your email is verified.' : 'Is this email yours?'}</p>
        <p class="form-problem" role="alert">
          {problem}
        </p>
        {state !== 'done' && (
          <button type="submit" class="primary" disabled={state === 'working'}>
            {state === 'working' ? 'One moment …' : 'Yes, verify it'}
          </button>
        )}
        <p class="switch">
          <button type="button" class="plain" onClick={onDone}>
            Go to the chat
          </button>
        </p>
      </form>
    </main>
  );
}

function problemOf(error: unknown): string {
  if (error instanceof ChatError && error.code === 'email_proof_invalid')
    return 'This link was used before, or has expired. Sign in, and ask for another one.';
  return wordsOf(error);
}

/** Tells somebody whose email is not verified what to do. */
export function UnverifiedNotice({ email }: { email: string | null }) {
  const [said, setSaid] = useState('');
  const send = () =>
    account.sendEmailProof().then(
      () => setSaid('It is on its way.'),
      (error) => setSaid(wordsOf(error)),
    );
  return (
    <div class="notice warn unverified">
      <p>
        Open the link in the mail that we sent to <bdi>{email}</bdi>. Until then, you can ask no question.{' '}
        <span role="status">{said}</span>
      </p>
      <button type="button" class="small" onClick={() => void send()}>
        Send it again
      </button>
    </div>
  );
}
