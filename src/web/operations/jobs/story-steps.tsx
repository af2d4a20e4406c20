import type { JobStory } from '../../../contracts/jobs.ts';
import { Card, Empty } from '../../components/card.tsx';
import { countOf, formatDuration } from '../../components/format.ts';
import { Mark } from '../../components/mark.tsx';

/** Each attempt with its steps, and how long each took. */
export function StorySteps({ story: { steps, crashes } }: { story: JobStory }) {
  const longestMs = Math.max(1, ...steps.map(({ ms }) => ms));
  const attempts = [...new Set(steps.map(({ attempt }) => attempt))];
  return (
    <Card id="steps" title="Attempts and steps" width="half">
      {steps.length === 0 && (
        <Empty>No worker has finished a step of it yet. Each would be listed here, with its time.</Empty>
      )}
      <ol class="attempts">
        {attempts.map((attempt) => (
          <li key={attempt}>
            <h3>Attempt {attempt}</h3>
            <ol class="steps">
              {steps
                .filter((step) => step.attempt === attempt)
                .map(({ step, ms, failed, waited }, index) => (
                  <li key={`${step} ${index}`}>
                    <Mark tone={failed ? 'bad' : waited ? 'warn' : 'good'}>
                      {waited ? (
                        <>
                          waited for the gate of <code>{waited.gate}</code>, {countOf(waited.times, 'time')}
                        </>
                      ) : (
                        <code>{step}</code>
                      )}
                      {failed && (
                        <>
                          {' '}
                          failed: <code>{failed}</code>
                        </>
                      )}
                    </Mark>
                    <span class="step-time">
                      <progress max={longestMs} value={ms} aria-hidden="true" />
                      <span>{formatDuration(ms)}</span>
                    </span>
                  </li>
                ))}
            </ol>
          </li>
        ))}
      </ol>
      {crashes > 0 && (
        <p>
          <Mark tone="warn">
            {crashes === 1 ? 'A worker has' : `${crashes} workers have`} died over it. Another took it up.
          </Mark>
        </p>
      )}
    </Card>
  );
}
