import { useState } from 'preact/hooks';
import type { RedriveReport } from '../../../contracts/dead-letters.ts';
import { ActionDialog } from '../../components/action-dialog.tsx';
import { ask } from '../../components/ask.ts';
import { formatCount } from '../../components/format.ts';
import { deadLetterWords } from '../words.ts';
import { lettersOf } from './letters-of.ts';

const CANARIES = 3;
/** The call lasts up to a minute, and with a canary up to a minute longer. */
const CALL_TIMEOUT_MS = 150_000;

/** Sends letters back to the queue that they came from. */
export function RedriveDialog({ queue, reason, onClose }: { queue: string; reason: string; onClose: () => void }) {
  const [withCanary, setWithCanary] = useState(true);
  const [rate, setRate] = useState(50);
  const redrive = (given: { rate: number; canary?: number }, dryRun: boolean) =>
    ask<RedriveReport>(`admin/dead-letters/${queue}/redrive`, {
      body: { reason, ...given, dryRun },
      timeoutMs: CALL_TIMEOUT_MS,
    });
  return (
    <ActionDialog
      title={`Redrive ${reason}`}
      given={{ rate, ...(withCanary && { canary: CANARIES }) }}
      patience={withCanary ? 'Sending the canary, and waiting whether it comes back …' : 'Sending …'}
      forecast={async (given) => {
        const { matching } = await redrive(given, true);
        if (matching === 0) return { text: 'There are no such letters any more.', button: undefined };
        const first = given.canary ? Math.min(given.canary, matching) : 0;
        const text =
          first > 0 && matching > first
            ? `${lettersOf(first)} will go back to ${queue} first. If none of them comes back, the other ${formatCount(matching - first)} follow.`
            : `${lettersOf(matching)} will go back to ${queue}.`;
        return {
          text: `${text} What still cannot be processed comes back here.`,
          button: `Redrive ${lettersOf(matching)}`,
        };
      }}
      act={async (given) => outcomeOf(await redrive(given, false), queue)}
      onClose={onClose}
    >
      <p>
        {deadLetterWords(reason).means}. {deadLetterWords(reason).todo}
      </p>
      <label class="inline">
        <input type="checkbox" checked={withCanary} onChange={(event) => setWithCanary(event.currentTarget.checked)} />
        <span>Send {CANARIES} first, and the rest only if they are taken (a canary)</span>
      </label>
      <label>
        Letters a second, at most
        <input
          type="number"
          min={1}
          max={10_000}
          value={rate}
          onInput={(event) => {
            const wanted = event.currentTarget.valueAsNumber;
            if (wanted >= 1 && wanted <= 10_000) setRate(wanted);
          }}
        />
      </label>
    </ActionDialog>
  );
}

function outcomeOf({ sent, left, refused, canary, stopped }: RedriveReport, queue: string): string {
  return [
    canary === 'failed'
      ? `The canary failed, so the rest stays. ${lettersOf(sent)} went to ${queue}.`
      : `${lettersOf(sent)} went back to ${queue}.`,
    refused > 0 ? `${lettersOf(refused)} cannot be sent as they are.` : '',
    left > 0 ? `${lettersOf(left)} are still here.` : '',
    stopped ?? '',
  ]
    .filter(Boolean)
    .join(' ');
}
