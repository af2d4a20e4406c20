import { useState } from 'preact/hooks';
import type { RetryReport } from '../../../contracts/jobs.ts';
import { ActionDialog } from '../../components/action-dialog.tsx';
import { ask, serverNow } from '../../components/ask.ts';
import { countOf, formatDuration } from '../../components/format.ts';
import { failureWords } from '../words.ts';

const DEFAULT_RATE = 10;
/** The call lasts up to a minute. */
const CALL_TIMEOUT_MS = 90_000;

/** Retries all failed jobs of a cause. */
export function RetryDialog({ code, onClose }: { code: string; onClose: () => void }) {
  const [rate, setRate] = useState(DEFAULT_RATE);
  return (
    <ActionDialog
      title={`Retry all jobs that failed with ${code}`}
      given={{ code, rate }}
      forecast={async (given) => {
        const { matching } = await ask<RetryReport>('admin/jobs/retry', { body: { ...given, dryRun: true } });
        const seconds = matching / given.rate;
        if (matching === 0) return { text: 'No job has failed with this cause any more.', button: undefined };
        const text = [
          `${countOf(matching, 'job')} will be put in line again, the oldest failures first, ${given.rate} a second. That takes ${formatDuration(Math.max(1, seconds) * 1_000)}.`,
          'Each asks the model again unless its answer is kept, which may cost money. No other failure is touched.',
        ].join(' ');
        return { text, button: `Retry ${countOf(matching, 'job')}` };
      }}
      patience="Retrying. Keep this page open …"
      act={async (given) => `${countOf(await retryAll(given), 'job')} are in line again.`}
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

/** One call retries as many as a minute allows. Jobs that fail again meanwhile are not retried again. */
async function retryAll(given: { code: string; rate: number }): Promise<number> {
  const until = new Date(serverNow()).toISOString();
  for (let retried = 0; ; ) {
    const report = await ask<RetryReport>('admin/jobs/retry', {
      body: { ...given, until },
      timeoutMs: CALL_TIMEOUT_MS,
    });
    retried += report.retried;
    if (report.left === 0 || report.retried === 0) return retried;
  }
}
