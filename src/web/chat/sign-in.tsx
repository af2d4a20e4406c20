import { useEffect, useRef, useState } from 'preact/hooks';
import { ChatError } from '../../client/chat-client.ts';
import type { AccountOptions } from '../../contracts/http/account-bodies.ts';
import { CopyButton } from '../components/copy-button.tsx';
import { receiptIn } from './account/receipt.ts';
import { login, providerAddresses } from './api.ts';
import { wordsOf } from './conversation/open-conversation.ts';
import { Forgotten, ResetPassword, resetTokenOf } from './forgotten.tsx';
import { NoDoctor } from './no-doctor.tsx';
import { APP_OR_RECOVERY, LEAST_PASSWORD_CHARS, TOO_WEAK, WRONG_CODE } from './password-words.ts';

/** Returns the invite that a link has, such as `#/invite/INVITE`. */
const inviteIn = (hash: string): string | undefined => /^#\/invite\/([\w-]{20,128})$/.exec(hash)?.[1];

/** The page of somebody who is not known. */
export function SignIn() {
  const [resetToken, setResetToken] = useState(resetTokenOf(location.hash));
  const [receipt] = useState(receiptIn(location.hash));
  const [isForgotten, setIsForgotten] = useState(false);
  const back = () => {
    // The token is of no more use.
    if (resetToken) history.replaceState(null, '', '#/');
    setResetToken(undefined);
    setIsForgotten(false);
  };
  return (
    <main class="sign-in">
      <header>
        <h1>healify-chat</h1>
        <p class="quiet">Ask about health, and read the answer while it is being written.</p>
      </header>
      {receipt && (
        <p class="notice" role="status">
          <span>
            Your account is deleted, and everything that was kept of you is being erased. The number of the receipt is{' '}
            <code>{receipt}</code>. <CopyButton text={receipt} what="the number" /> Keep it, if you want to prove it
            later.
          </span>
        </p>
      )}
      {resetToken ? (
        <ResetPassword token={resetToken} onBack={back} />
      ) : isForgotten ? (
        <Forgotten onBack={back} />
      ) : (
        <SignInForm onForgotten={() => setIsForgotten(true)} />
      )}
      <NoDoctor />
    </main>
  );
}

/** Makes an account, or lets somebody with an account in. */
function SignInForm({ onForgotten }: { onForgotten: () => void }) {
  const [invite] = useState(inviteIn(location.hash));
  const [isNew, setIsNew] = useState(invite !== undefined);
  const [working, setWorking] = useState(false);
  const [problem, setProblem] = useState<string>();
  const [{ registration, passwordReset, passwordLogin, identityProvider }, setOptions] = useState(USUAL_OPTIONS);
  const [needsCode, setNeedsCode] = useState(false);
  const email = useRef<HTMLInputElement>(null);
  const code = useRef<HTMLInputElement>(null);
  const alert = useRef<HTMLParagraphElement>(null);
  useEffect(() => {
    document.title = isNew ? 'Make an account · healify-chat' : 'Sign in · healify-chat';
  }, [isNew]);
  useEffect(() => email.current?.focus(), []);
  useEffect(() => code.current?.focus(), [needsCode]);
  useEffect(() => {
    // Without a reply, the next request says what is wrong.
    login.options().then(setOptions, () => {});
  }, []);

  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const fields = new FormData(event.currentTarget as HTMLFormElement);
    const [address, password] = [String(fields.get('email')), String(fields.get('password'))];
    setWorking(true);
    setProblem(undefined);
    try {
      if (isNew) await login.register(address, password, String(fields.get('invite') ?? '').trim());
      // The invite is of no more use.
      if (invite !== undefined) history.replaceState(null, '', '#/');
      await login.login(address, password, String(fields.get('totp') ?? ''));
    } catch (error) {
      setWorking(false);
      if (error instanceof ChatError && error.code === 'second_factor_required') return setNeedsCode(true);
      setProblem(isNew && isWrong(error) ? HAS_AN_ACCOUNT : problemOf(error));
      (code.current ?? email.current)?.focus();
    }
  };

  const provider = identityProvider && <AtProvider name={identityProvider.name} />;
  if (!passwordLogin) {
    return (
      <section class="card" aria-label="Sign in">
        {provider}
      </section>
    );
  }
  return (
    <form class="card" onSubmit={submit} aria-label={isNew ? 'Make an account' : 'Sign in'}>
      {!isNew && provider}
      <label>
        Email
        <input ref={email} type="email" name="email" autocomplete="username" required maxLength={254} />
      </label>
      <label>
        Password
        <input
          type="password"
          name="password"
          autocomplete={isNew ? 'new-password' : 'current-password'}
          required
          minLength={isNew ? LEAST_PASSWORD_CHARS : 1}
          maxLength={128}
        />
        {isNew && <small>At least {LEAST_PASSWORD_CHARS} characters.</small>}
      </label>
      {needsCode && !isNew && (
        <label>
          Code
          <input ref={code} name="totp" inputMode="numeric" autocomplete="one-time-code" required maxLength={64} />
          <small>{APP_OR_RECOVERY}</small>
        </label>
      )}
      {isNew && registration === 'invite' && (
        <label>
          Invite
          <input name="invite" defaultValue={invite ?? ''} required maxLength={128} autocomplete="off" />
          <small>Those who run this service give it to you. It works once.</small>
        </label>
      )}
      <p ref={alert} class="form-problem" role="alert">
        {problem}
      </p>
      <button type="submit" class="primary" disabled={working}>
        {working ? 'One moment …' : isNew ? 'Make an account' : 'Sign in'}
      </button>
      {passwordReset && !isNew && (
        <p class="switch">
          <button type="button" class="plain" onClick={onForgotten}>
            Forgotten your password?
          </button>
        </p>
      )}
      {registration !== 'closed' && (
        <p class="switch">
          {isNew ? 'Have an account?' : 'New here?'}{' '}
          <button
            type="button"
            class="plain"
            onClick={() => {
              setIsNew(!isNew);
              setProblem(undefined);
            }}
          >
            {isNew ? 'Sign in' : 'Make an account'}
          </button>
        </p>
      )}
    </form>
  );
}

/** What most installations offer. It is shown until the api has said more. */
const USUAL_OPTIONS: AccountOptions = {
  registration: 'open',
  passwordLogin: true,
  identityProvider: null,
  passwordReset: false,
  verifiedMail: false,
};

/** Sends the browser to the identity provider. Whoever logs out of this page stays logged in there, unless they log out there, too. */
const AtProvider = ({ name }: { name: string }) => (
  <>
    <a class="primary button" href={providerAddresses.logIn}>
      Sign in with {name}
    </a>
    <p class="switch">
      <a href={providerAddresses.logOut}>Sign out at {name}</a>
    </p>
  </>
);

/** The api does not tell whether an email had an account before. But then the new password does not fit. */
const HAS_AN_ACCOUNT = 'This email may have an account already. Sign in with its password.';

const isWrong = (error: unknown) => error instanceof ChatError && error.code === 'invalid_credentials';

function problemOf(error: unknown): string {
  if (!(error instanceof ChatError)) return wordsOf(error);
  if (isWrong(error)) return 'Email or password is wrong.';
  if (error.code === 'password_too_weak') return TOO_WEAK;
  if (error.code === 'wrong_code') return WRONG_CODE;
  if (error.code === 'password_login_off') return 'Nobody signs in with a password here. Load this page again.';
  if (error.code === 'registration_closed') return 'Nobody can make an account here. Ask those who run this service.';
  if (error.code === 'invite_invalid') return 'This invite was used before, or has expired. Ask for another one.';
  if (error.code === 'not_found') return 'Accounts are kept elsewhere here, so nobody can sign in on this page.';
  if (error.code === 'rate_limited') return 'Too many tries. Wait a minute, then try again.';
  return wordsOf(error);
}
