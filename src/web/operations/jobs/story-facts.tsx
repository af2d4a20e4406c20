import type { ComponentChildren } from 'preact';
import type { JobStory } from '../../../contracts/jobs.ts';
import { Card } from '../../components/card.tsx';
import { CopyButton } from '../../components/copy-button.tsx';
import { formatCount, formatDuration } from '../../components/format.ts';
import { At } from '../../components/time.tsx';
import { jobsHref } from '../route.ts';
import { useLinks } from '../use-links.ts';

/** Whose it is, when what happened, and what the answer took. */
export function StoryFacts({ story }: { story: JobStory }) {
  const { requestId, sessionId, userId, traceId, queue, addedAt, startedAt, endedAt, deadline, answer } = story;
  const { trace, logs } = useLinks() ?? {};
  return (
    <Card id="facts" title="Facts" width="half">
      <dl class="facts">
        <Fact name="User">{userId && <a href={jobsHref({ userId })}>{userId}</a>}</Fact>
        <Fact name="Session">{sessionId && <a href={jobsHref({ sessionId })}>{sessionId}</a>}</Fact>
        <Fact name="Added">
          <At at={addedAt} />
        </Fact>
        <Fact name="Last taken">{startedAt && <At at={startedAt} />}</Fact>
        <Fact name="Ended">{endedAt && <At at={endedAt} />}</Fact>
        <Fact name="Deadline">{deadline && <At at={deadline} />}</Fact>
        <Fact name="Attempts">
          {formatCount(story.attempts)} of {formatCount(story.maxAttempts)}
        </Fact>
        <Fact name="Trace">
          {traceId && (
            <>
              {trace ? (
                <a href={trace.replace('{traceId}', encodeURIComponent(traceId))}>
                  <code>{traceId}</code>
                </a>
              ) : (
                <code>{traceId}</code>
              )}{' '}
              <CopyButton text={traceId} what="the trace’s id" />
              {logs && (
                <>
                  {' '}
                  <a href={logs + encodeURIComponent(traceId)}>Its log lines</a>
                </>
              )}
            </>
          )}
        </Fact>
        <Fact name="Bull Board">
          <a href={`admin/queues/queue/${queue}/r-${encodeURIComponent(requestId)}`}>This job there</a>
        </Fact>
        {answer && (
          <>
            <Fact name="Model">
              {answer.model && (
                <>
                  <code>{answer.model}</code> {answer.provider}
                </>
              )}
            </Fact>
            <Fact name="From the cache">{answer.cached ? 'yes' : 'no'}</Fact>
            <Fact name="Tokens">
              {answer.usage &&
                `${formatCount(answer.usage.promptTokens)} in, ${formatCount(answer.usage.completionTokens)} out`}
            </Fact>
            <Fact name="Cost">{answer.usage && answer.usage.cost !== null && `$${answer.usage.cost.toFixed(6)}`}</Fact>
            <Fact name="Times">
              waited {formatDuration(answer.timings.waitMs)}, model {formatDuration(answer.timings.modelMs)}, in all{' '}
              {formatDuration(answer.timings.totalMs)}
            </Fact>
          </>
        )}
      </dl>
    </Card>
  );
}

/** A fact that is not known is left out. */
const Fact = ({ name, children }: { name: string; children: ComponentChildren }) =>
  children === null || children === undefined || children === false ? null : (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
