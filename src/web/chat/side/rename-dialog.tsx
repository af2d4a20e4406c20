import { useState } from 'preact/hooks';
import type { SessionSummary } from '../../../contracts/http/session-bodies.ts';
import { Dialog } from '../../components/dialog.tsx';
import { wordsOf } from '../conversation/open-conversation.ts';

const TITLE_CHARS = 120;

/** Gives a conversation another title. */
export function RenameDialog(props: {
  session: SessionSummary;
  rename: (sessionId: string, title: string) => Promise<void>;
  onClose: () => void;
}) {
  const { session, rename, onClose } = props;
  const [problem, setProblem] = useState<string>();
  const [working, setWorking] = useState(false);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const title = String(new FormData(event.currentTarget as HTMLFormElement).get('title'));
    setWorking(true);
    try {
      await rename(session.sessionId, title);
      onClose();
    } catch (error) {
      setProblem(wordsOf(error));
      setWorking(false);
    }
  };
  return (
    <Dialog title="Rename the conversation" onClose={onClose}>
      <form onSubmit={submit}>
        <label>
          Title
          <input
            name="title"
            required
            maxLength={TITLE_CHARS}
            dir="auto"
            defaultValue={session.title ?? ''}
            autocomplete="off"
          />
        </label>
        <p class="form-problem" role="alert">
          {problem}
        </p>
        <div class="buttons">
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" class="primary" disabled={working}>
            Rename
          </button>
        </div>
      </form>
    </Dialog>
  );
}
