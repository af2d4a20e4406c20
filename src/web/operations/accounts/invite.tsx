import { useEffect, useState } from 'preact/hooks';
import type { AccountOptions } from '../../../contracts/http/account-bodies.ts';
import type { InviteBody } from '../../../contracts/http/admin-account-bodies.ts';
import { ActionDialog } from '../../components/action-dialog.tsx';
import { ask } from '../../components/ask.ts';
import { CopyButton } from '../../components/copy-button.tsx';
import { At } from '../../components/time.tsx';
import { IfAllowed } from '../rights.tsx';
import { invitePage } from '../route.ts';

/** Lets an admin invite somebody, where people need an invite to make an account. */
export function Invite() {
  const [isNeeded, setNeeded] = useState(false);
  const [isAsked, setAsked] = useState(false);
  useEffect(() => {
    // Without a reply, the list of accounts says what is wrong.
    ask<AccountOptions>('auth/options').then(
      ({ registration }) => setNeeded(registration === 'invite'),
      () => {},
    );
  }, []);
  if (!isNeeded) return null;
  return (
    <IfAllowed to="POST /admin/accounts/invite">
      <p>
        <button type="button" onClick={() => setAsked(true)}>
          Invite somebody …
        </button>
      </p>
      {isAsked && (
        <ActionDialog
          title="Invite somebody"
          given={{}}
          forecast={async () => ({
            text: 'This makes a link. Whoever has it can make one account, as a user. Give it only to the person whom you mean.',
            button: 'Make the link',
          })}
          act={async () => <MadeLink {...(await ask<InviteBody>('admin/accounts/invite', { body: {} }))} />}
          onClose={() => setAsked(false)}
        />
      )}
    </IfAllowed>
  );
}

function MadeLink({ invite, expiresAt }: InviteBody) {
  const link = new URL(invitePage(invite), location.href).href;
  return (
    <>
      It works once, until <At at={expiresAt} />, and is not shown again: <code class="link">{link}</code>{' '}
      <CopyButton text={link} what="the link" />
    </>
  );
}
