import type { Erasure } from '../../../contracts/erasures.ts';
import type { AdminAccount } from '../../../contracts/http/admin-account-bodies.ts';
import type { KeptCountsBody } from '../../../contracts/http/erasure-bodies.ts';
import { ActionDialog } from '../../components/action-dialog.tsx';
import { ask } from '../../components/ask.ts';
import { formatCount } from '../../components/format.ts';

/** Counting looks through all stores, and erasing waits for a while. */
const CALL_TIMEOUT_MS = 120_000;

/** Erases a user for ever. @param props.onErased called once that has begun */
export function EraseDialog(props: { account: AdminAccount; onErased: () => void; onClose: () => void }) {
  const { userId, email } = props.account;
  const erase = <T,>(more: object) =>
    ask<T>('admin/accounts/erase', { body: { userId, ...more }, timeoutMs: CALL_TIMEOUT_MS });
  return (
    <ActionDialog
      title="Erase the user"
      given={{}}
      danger
      patience="Erasing …"
      forecast={async () => {
        const { kinds } = await erase<KeptCountsBody>({ dryRun: true });
        const found = kinds.filter(({ count }) => count > 0);
        const counts = found.map(({ kind, count }) => `${formatCount(count)} ${kind.replaceAll('_', ' ')}`).join(', ');
        return {
          text: (
            <>
              Everything that is kept of {email ?? userId} is erased for ever: {counts || 'nothing is left'}. The key of
              their texts is destroyed, so backups cannot bring them back. Questions under way end without an answer.
            </>
          ),
          button: 'Erase for ever',
        };
      }}
      act={async () => {
        const { state } = await erase<Erasure>({});
        props.onErased();
        return state === 'erased'
          ? 'Everything is erased.'
          : 'It has begun, and goes on by itself until everything is erased.';
      }}
      onClose={props.onClose}
    />
  );
}
