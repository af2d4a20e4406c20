import { useState } from 'preact/hooks';
import { ActionDialog } from '../../components/action-dialog.tsx';
import { ask } from '../../components/ask.ts';
import { countOf, formatDuration } from '../../components/format.ts';
import { failureWords } from '../words.ts';

const DEFAULT_RATE = 10;

/** Retries all failed jobs of a cause, in the background. */
export function RetryDialog({ code, onClose }: { code: string; onClose: () => void }) {
  const [rate, setRate] = useState(DEFAULT_RATE);
  return (
    <ActionDialog
      title={`Retry all jobs that failed with ${code}`}
      given={{ code, rate }}
      forecast={async (given) => {
        const { matching, seconds } = await ask<{ matching: number; seconds: number }>('admin/retry-runs', {
          body: { ...given, dryRun: true },
        });
        if (matching === 0) return { text: 'No job has failed with this cause any more.', button: undefined };
        const text = [
          `${countOf(matching, 'job')} will be put in line again, the oldest failures first, ${given.rate} a second. That takes ${formatDuration(Math.max(1, seconds) * 1_000)}.`,
          'Each asks the model again unless its answer is kept, which may cost money. No other failure is touched.',
        ].join(' ');
        return { text, button: `Retry ${countOf(matching, 'job')}` };
      }}
      act={async (given) => {
        await ask('admin/retry-runs', { body: given });
        return 'It has begun, and goes on if you close this page. You can follow it and stop it here.';
      }}
      onClose={onClose}
    >
      <p>
        {failureWords(code).means}. {failureWords(code).todo}
      </p>
      <label>
        Jobs a second, at most
        <input
          type="number"
          min={0.1}
          max={1_000}
          step="any"
          value={rate}
          onInput={(event) => {
            const wanted = event.currentTarget.valueAsNumber;
            if (wanted > 0 && wanted <= 1_000) setRate(wanted);
          }}
        />
        <small>A provider that has just come back should not be asked by all at once.</small>
      </label>
    </ActionDialog>
  );
}
