import { useState } from 'preact/hooks';
import { ChatError } from '../../../client/chat-client.ts';
import type { Me } from '../../../contracts/http/me.ts';
import { Card } from '../../components/card.tsx';
import { account, login } from '../api.ts';
import { APP_OR_RECOVERY } from '../password-words.ts';
import { ConfirmDialog } from '../side/confirm-dialog.tsx';
import { CodeField, codeIn, PasswordField, passwordIn } from './account-form.tsx';
import { problemOf } from './problem-of.ts';

type State = 'asking' | 'working' | 'saved' | 'incomplete';

const WORDS: Readonly<Partial<Record<State, string>>> = {
  saved: 'The file is saved with your downloads.',
  incomplete: 'The file is saved, but not everything could be read now. Get it again in some minutes.',
};

/** Saves everything that is kept of the user as a file. An old login is not enough for that, so the page asks for the password. */
export function ExportAccount({ me }: { me: Me }) {
  const [state, setState] = useState<State>('asking');
  const [problem, setProblem] = useState<string>();
  const [asksPassword, setAsksPassword] = useState(false);
  const [needsCode, setNeedsCode] = useState(false);
  const get = async () => {
    setState('working');
    setProblem(undefined);
    try {
      const { file, complete } = await account.exportAccount();
      save(file, `healify-chat-${new Date().toISOString().slice(0, 10)}.ndjson`);
      setState(complete ? 'saved' : 'incomplete');
    } catch (error) {
      setState('asking');
      if (me.hasPassword && codeOf(error) === 'login_too_old') setAsksPassword(true);
      else setProblem(problemOf(error));
    }
  };
  const logInAnew = async (fields: FormData) => {
    try {
      await login.login(me.email!, passwordIn(fields), needsCode ? codeIn(fields) : undefined);
    } catch (error) {
      if (codeOf(error) === 'second_factor_required') setNeedsCode(true);
      throw error;
    }
    void get();
  };
  return (
    <Card id="export" title="What is kept of you">
      <p>
        Get everything that is kept of you as a file, also what no page shows. It is text, with a line of JSON for each
        thing.
      </p>
      <p class="form-problem" role="alert">
        {problem}
      </p>
      <p class="quiet" role="status">
        {WORDS[state] ?? ''}
      </p>
      <div class="buttons">
        <button type="button" disabled={state === 'working'} onClick={() => void get()}>
          {state === 'working' ? 'One moment …' : 'Get the file'}
        </button>
      </div>
      {asksPassword && (
        <ConfirmDialog
          title="Is it you?"
          verb="Get the file"
          look="primary"
          words={problemOf}
          act={logInAnew}
          onClose={() => setAsksPassword(false)}
        >
          <p>You have signed in more than ten minutes ago. So that nobody else gets the file, sign in anew.</p>
          <PasswordField />
          {needsCode && <CodeField hint={APP_OR_RECOVERY} />}
        </ConfirmDialog>
      )}
    </Card>
  );
}

const codeOf = (error: unknown) => (error instanceof ChatError ? error.code : undefined);

function save(file: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(file);
  link.download = name;
  link.click();
  // A browser may begin to read it only after this task.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
