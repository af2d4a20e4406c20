import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { ChatError } from '../../client/chat-client.ts';
import { login } from './api.ts';
import { wordsOf } from './conversation/open-conversation.ts';
import { NewPasswordField } from './new-password-field.tsx';
import { TOO_WEAK } from './password-words.ts';

/** Returns the token that a mail's link has, such as `#/reset/TOKEN`. */
export const resetTokenOf = (hash: string): string | undefined => /^#\/reset\/([\w-]{20,128})$/.exec(hash)?.[1];

/** For somebody who has forgotten the password: sends a mail with a link. */
export function Forgotten({ onBack }: { onBack: () => void }) {
  return (
    <OneField
      name="Forgotten password"
      button="Send a link"
      done="If this email has an account, a mail with a link is on its way. Look into your mail, also where spam is kept."
      onBack={onBack}
      send={(email) => login.forgotten(email)}
      field={
        <label>
          Email
          <input type="email" name="value" autocomplete="username" required maxLength={254} />
        </label>
      }
    />
  );
}

/** For somebody who has opened the link of such a mail. */
export function ResetPassword({ token, onBack }: { token: string; onBack: () => void }) {
  return (
    <OneField
      name="New password"
      button="Change the password"
      done="Your password is changed, and all of your logins have ended. Sign in with the new one."
      onBack={onBack}
      send={(password) => login.resetPassword(token, password)}
      field={<NewPasswordField name="value" />}
    />
  );
}

function OneField(options: {
  name: string;
  button: string;
  done: string;
  field: ComponentChildren;
  send: (value: string) => Promise<void>;
  onBack: () => void;
}) {
  const [state, setState] = useState<'asking' | 'working' | 'done'>('asking');
  const [problem, setProblem] = useState<string>();
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const value = String(new FormData(event.currentTarget as HTMLFormElement).get('value'));
    setState('working');
    setProblem(undefined);
    try {
      await options.send(value);
      setState('done');
    } catch (error) {
      setProblem(problemOf(error));
      setState('asking');
    }
  };
  return (
    <form class="card" onSubmit={submit} aria-label={options.name}>
      {state !== 'done' && options.field}
      <p class="form-problem" role="alert">
        {problem}
      </p>
      <p role="status">{state === 'done' ? options.done : ''}</p>
      {state !== 'done' && (
        <button type="submit" class="primary" disabled={state === 'working'}>
          {state === 'working' ? 'One moment …' : options.button}
        </button>
      )}
      <p class="switch">
        <button type="button" class="plain" onClick={options.onBack}>
          Back to sign in
        </button>
      </p>
    </form>
  );
}

function problemOf(error: unknown): string {
  if (!(error instanceof ChatError)) return wordsOf(error);
  if (error.code === 'password_too_weak') return TOO_WEAK;
  if (error.code === 'reset_invalid') return 'This link was used before, or has expired. Ask for another one.';
  if (error.code === 'rate_limited') return 'Too many tries. Wait a minute, then try again.';
  return wordsOf(error);
}
