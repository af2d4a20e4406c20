import { useState } from 'preact/hooks';
import type { Me } from '../../../contracts/http/me.ts';
import { Card } from '../../components/card.tsx';
import { account, login } from '../api.ts';
import { ConfirmDialog } from '../side/confirm-dialog.tsx';
import { PasswordField, passwordIn } from './account-form.tsx';
import { problemOf } from './problem-of.ts';
import { hrefOfReceipt } from './receipt.ts';

export function EraseAccount({ me }: { me: Me }) {
  const [asking, setAsking] = useState(false);
  const erase = async (fields: FormData) => {
    const proof = me.hasPassword ? { password: passwordIn(fields) } : { confirm: me.userId };
    const { erasureId } = await account.eraseAccount(proof);
    history.replaceState(null, '', hrefOfReceipt(erasureId));
    await login.logout().catch(() => {});
  };
  return (
    <Card id="erase" title="Delete the account">
      <p>
        Your account, all conversations and everything else that is kept of you are erased, everywhere and for ever.
        Questions that are being answered are stopped.
      </p>
      <div class="buttons">
        <button type="button" class="danger" onClick={() => setAsking(true)}>
          Delete my account
        </button>
      </div>
      {asking && (
        <ConfirmDialog
          title="Delete your account?"
          verb="Delete everything"
          look="danger"
          words={problemOf}
          act={erase}
          onClose={() => setAsking(false)}
        >
          <p>Nobody can bring anything back.</p>
          {me.hasPassword && <PasswordField />}
        </ConfirmDialog>
      )}
    </Card>
  );
}
