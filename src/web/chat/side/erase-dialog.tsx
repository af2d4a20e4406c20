import { useState } from 'preact/hooks';
import { Dialog } from '../../components/dialog.tsx';
import { wordsOf } from '../conversation/open-conversation.ts';

/** Asks before a conversation is erased for good. */
export function EraseDialog({
  title,
  erase,
  onClose,
}: {
  title: string;
  erase: () => Promise<void>;
  onClose: () => void;
}) {
  const [problem, setProblem] = useState<string>();
  const [working, setWorking] = useState(false);
  const confirm = async () => {
    setWorking(true);
    try {
      await erase();
      onClose();
    } catch (error) {
      setProblem(wordsOf(error));
      setWorking(false);
    }
  };
  return (
    <Dialog title="Delete the conversation?" onClose={onClose}>
      <p>
        <bdi>{title}</bdi> will be erased everywhere. Nobody can bring it back.
      </p>
      <p class="form-problem" role="alert">
        {problem}
      </p>
      <div class="buttons">
        <button type="button" onClick={onClose}>
          Cancel
        </button>
        <button type="button" class="danger" onClick={confirm} disabled={working}>
          Delete
        </button>
      </div>
    </Dialog>
  );
}
