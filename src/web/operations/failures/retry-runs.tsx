import { useState } from 'preact/hooks';
import type { RetryRun } from '../../../contracts/retry-runs.ts';
import { ask } from '../../components/ask.ts';
import { Card } from '../../components/card.tsx';
import { countOf, formatCount } from '../../components/format.ts';
import { Mark } from '../../components/mark.tsx';
import { Ago } from '../../components/time.tsx';
import type { Tone } from '../../components/tone.ts';
import { IfAllowed } from '../rights.tsx';

const states: Record<RetryRun['state'], { tone: Tone; words: string }> = {
  running: { tone: 'busy', words: 'Running' },
  finished: { tone: 'good', words: 'Finished' },
  stopped: { tone: 'quiet', words: 'Stopped' },
  failed: { tone: 'bad', words: 'Ended early' },
};

/** Retries of whole causes that run in the background, or have ended lately. */
export function RetryRuns({ runs, refresh }: { runs: RetryRun[]; refresh: () => void }) {
  const [problem, setProblem] = useState<string>();
  if (runs.length === 0) return null;
  const stop = (id: string) =>
    ask(`admin/retry-runs/${encodeURIComponent(id)}/stop`, { body: {} }).then(
      () => {
        setProblem(undefined);
        refresh();
      },
      (error: Error) => setProblem(error.message),
    );
  return (
    <Card id="runs" title="Retries in the background">
      {problem && (
        <p class="notice bad" role="alert">
          {problem}
        </p>
      )}
      <ul class="rows">
        {runs.map(({ id, state, code, startedAt, endedAt, rate, retried, left, problem: why }) => (
          <li key={id}>
            <div class="run">
              <h3>
                <code>{code}</code>
              </h3>
              <progress max={retried + left} value={retried} aria-label={`Retried jobs of ${code}`} />
              <p>
                <Mark tone={states[state].tone}>
                  {states[state].words}: {formatCount(retried)} of {countOf(retried + left, 'job')} in line again
                  {state === 'running' && `, ${rate} a second`}.{why && ` ${why}`}
                </Mark>
              </p>
              <p class="quiet">
                Started <Ago at={startedAt} />
                {endedAt && (
                  <>
                    , ended <Ago at={endedAt} />
                  </>
                )}
              </p>
            </div>
            {state === 'running' && (
              <IfAllowed to="POST /admin/retry-runs/{id}/stop">
                <button type="button" class="small" onClick={() => stop(id)}>
                  Stop<span class="visually-hidden"> the retry of {code}</span>
                </button>
              </IfAllowed>
            )}
          </li>
        ))}
      </ul>
    </Card>
  );
}
