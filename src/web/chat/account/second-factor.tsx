import { useEffect, useRef, useState } from 'preact/hooks';
import type { BegunSecondFactor, SecondFactorState } from '../../../contracts/http/account-bodies.ts';
import { Card, Failed, Loading } from '../../components/card.tsx';
import { CopyButton } from '../../components/copy-button.tsx';
import { At } from '../../components/time.tsx';
import { account } from '../api.ts';
import { APP_OR_RECOVERY } from '../password-words.ts';
import { ConfirmDialog } from '../side/confirm-dialog.tsx';
import { AccountForm, CodeField, codeIn, PasswordField, passwordIn } from './account-form.tsx';
import { problemOf } from './problem-of.ts';
import { QrCode } from './qr-code.tsx';

/**
 * The authenticator app of the account.
 *
 * loading → off or on. off → begun: the app gets its secret → codes: it has shown that it has the secret, and the recovery codes
 * are shown once → on. on → codes: there are new ones. on → off: it is removed.
 */
type State =
  | { name: 'loading' }
  | { name: 'failed'; problem: string }
  | { name: 'off'; required: boolean }
  | { name: 'begun'; begun: BegunSecondFactor }
  | { name: 'codes'; codes: string[] }
  | { name: 'on'; kept: SecondFactorState };

export function SecondFactor() {
  const [state, setState] = useState<State>({ name: 'loading' });
  const content = useRef<HTMLDivElement>(null);
  const load = async () => {
    try {
      const kept = await account.secondFactor();
      setState(kept.setUpAt === null ? { name: 'off', required: kept.required } : { name: 'on', kept });
    } catch (error) {
      setState({ name: 'failed', problem: problemOf(error) });
    }
  };
  useEffect(() => void load(), []);
  const before = useRef(state.name);
  useEffect(() => {
    // The form that had the focus is gone.
    if (before.current !== state.name && before.current !== 'loading') content.current?.focus();
    before.current = state.name;
  }, [state.name]);
  return (
    <Card id="second-factor" title="Authenticator app">
      <div class="steps" ref={content} tabIndex={-1}>
        {state.name === 'loading' && <Loading what="your second factor" />}
        {state.name === 'failed' && <Failed error={new Error(state.problem)} retry={() => void load()} />}
        {state.name === 'off' && (
          <Off required={state.required} onBegun={(begun) => setState({ name: 'begun', begun })} />
        )}
        {state.name === 'begun' && (
          <Begun begun={state.begun} onCodes={(codes) => setState({ name: 'codes', codes })} />
        )}
        {state.name === 'codes' && <Codes codes={state.codes} onKept={() => void load()} />}
        {state.name === 'on' && (
          <On
            kept={state.kept}
            onCodes={(codes) => setState({ name: 'codes', codes })}
            onRemoved={() => setState({ name: 'off', required: state.kept.required })}
          />
        )}
      </div>
    </Card>
  );
}

function Off({ required, onBegun }: { required: boolean; onBegun: (begun: BegunSecondFactor) => void }) {
  return (
    <>
      {required && (
        <p class="notice warn">
          Your role needs an authenticator app. Until you have set it up, you may do only what a user may.
        </p>
      )}
      <p>
        With an authenticator app on your telephone, nobody can sign in with your password alone. Each time you sign in,
        you also write the six digits that it shows.
      </p>
      <AccountForm
        name="Set up an authenticator app"
        button="Set it up"
        act={async (fields) => onBegun(await account.beginSecondFactor(passwordIn(fields)))}
      >
        <PasswordField />
      </AccountForm>
    </>
  );
}

function Begun({ begun, onCodes }: { begun: BegunSecondFactor; onCodes: (codes: string[]) => void }) {
  return (
    <>
      <p>Scan this with your authenticator app. Then write the six digits that it shows.</p>
      <QrCode text={begun.uri} label="QR code for your authenticator app" />
      <p>
        Or write this secret into the app: <code class="secret">{begun.secret.replace(/.{4}(?=.)/g, '$& ')}</code>{' '}
        <CopyButton text={begun.secret} what="the secret" />
      </p>
      <AccountForm
        name="Confirm the authenticator app"
        button="Confirm"
        act={async (fields) => onCodes((await account.confirmSecondFactor(codeIn(fields))).recoveryCodes)}
      >
        <CodeField hint="The six digits that the app shows now." />
      </AccountForm>
    </>
  );
}

function Codes({ codes, onKept }: { codes: string[]; onKept: () => void }) {
  return (
    <>
      <p role="status">
        From now on, you need the app to sign in. Keep these recovery codes where you find them without your telephone.
        Each counts once in the place of the six digits. They are not shown again.
      </p>
      <ul class="codes" aria-label="Recovery codes">
        {codes.map((code) => (
          <li key={code}>
            <code>{code}</code>
          </li>
        ))}
      </ul>
      <div class="buttons">
        <CopyButton text={codes.join('\n')} what="the recovery codes" />
        <button type="button" class="primary" onClick={onKept}>
          I have kept them
        </button>
      </div>
    </>
  );
}

function On(props: { kept: SecondFactorState; onCodes: (codes: string[]) => void; onRemoved: () => void }) {
  const { kept, onCodes, onRemoved } = props;
  const [asking, setAsking] = useState<'codes' | 'remove'>();
  const close = () => setAsking(undefined);
  return (
    <>
      <p>
        You sign in with your password and a code of your app, since <At at={kept.setUpAt!} />.{' '}
        {kept.recoveryCodes === 1 ? 'One recovery code is' : `${kept.recoveryCodes} recovery codes are`} left.
      </p>
      <div class="buttons">
        <button type="button" onClick={() => setAsking('codes')}>
          New recovery codes
        </button>
        <button type="button" onClick={() => setAsking('remove')}>
          Remove the app
        </button>
      </div>
      {asking === 'codes' && (
        <ConfirmDialog
          title="New recovery codes"
          verb="Make new ones"
          look="primary"
          words={problemOf}
          act={async (fields) =>
            onCodes((await account.replaceRecoveryCodes(passwordIn(fields), codeIn(fields))).recoveryCodes)
          }
          onClose={close}
        >
          <p>The earlier ones do not count any more.</p>
          <PasswordField />
          <CodeField hint={APP_OR_RECOVERY} />
        </ConfirmDialog>
      )}
      {asking === 'remove' && (
        <ConfirmDialog
          title="Remove the authenticator app?"
          verb="Remove it"
          look="danger"
          words={problemOf}
          act={async (fields) => {
            await account.removeSecondFactor(passwordIn(fields), codeIn(fields));
            onRemoved();
          }}
          onClose={close}
        >
          <p>
            Then your password is enough to sign in.{' '}
            {kept.required && 'Your role does not count until you have another app. '}
            All other logins end.
          </p>
          <PasswordField />
          <CodeField hint={APP_OR_RECOVERY} />
        </ConfirmDialog>
      )}
    </>
  );
}
