import { useState } from 'preact/hooks';
import type { DropReport } from '../../../contracts/dead-letters.ts';
import { ActionDialog } from '../../components/action-dialog.tsx';
import { ask } from '../../components/ask.ts';
import { lettersOf } from './letters-of.ts';

const ages = { '': 'All', '1h': 'Older than an hour', '1d': 'Older than a day', '7d': 'Older than a week' };

/** Removes letters for good. */
export function DropDialog({ queue, reason, onClose }: { queue: string; reason: string; onClose: () => void }) {
  const [olderThan, setOlderThan] = useState<keyof typeof ages>('');
  const drop = (given: { olderThan?: string }, how: { dryRun: true } | { confirm: true }) =>
    ask<DropReport>(`admin/dead-letters/${queue}/drop`, { body: { reason, ...given, ...how } });
  return (
    <ActionDialog
      title={`Drop ${reason}`}
      given={olderThan ? { olderThan } : {}}
      danger
      forecast={async (given) => {
        const { matching } = await drop(given, { dryRun: true });
        if (matching === 0) return { text: 'There are no such letters.', button: undefined };
        return {
          text: `${lettersOf(matching)} of ${queue} will be gone for good. Nobody can bring them back, and questions in them stay unanswered.`,
          button: `Drop ${lettersOf(matching)}`,
        };
      }}
      act={async (given) => {
        const { dropped, left } = await drop(given, { confirm: true });
        return `${lettersOf(dropped)} are gone.${left > 0 ? ` ${lettersOf(left)} are still here.` : ''}`;
      }}
      onClose={onClose}
    >
      <label>
        Which
        <select value={olderThan} onChange={(event) => setOlderThan(event.currentTarget.value as keyof typeof ages)}>
          {Object.entries(ages).map(([value, words]) => (
            <option key={value} value={value}>
              {words}
            </option>
          ))}
        </select>
      </label>
    </ActionDialog>
  );
}
