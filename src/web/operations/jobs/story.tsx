import { useState } from 'preact/hooks';
import type { JobStory } from '../../../contracts/jobs.ts';
import { Card, Failed, Loading } from '../../components/card.tsx';
import { CopyButton } from '../../components/copy-button.tsx';
import { countOf, formatDuration } from '../../components/format.ts';
import { Mark } from '../../components/mark.tsx';
import { Ago, At } from '../../components/time.tsx';
import { usePolled } from '../../components/use-polled.ts';
import { IfAllowed } from '../rights.tsx';
import { conversationHref } from '../route.ts';
import { failureWords, statusWords } from '../words.ts';
import { JobDialog } from './job-dialog.tsx';
import { StoryFacts } from './story-facts.tsx';
import { StorySteps } from './story-steps.tsx';

const STORY_EVERY_MS = 3_000;

/** All that is known of a job but its texts. */
export function StoryView({ requestId }: { requestId: string }) {
  const {
    data: story,
    error,
    refresh,
  } = usePolled<JobStory>(`admin/jobs/${encodeURIComponent(requestId)}`, STORY_EVERY_MS);
  const [asked, setAsked] = useState<'retry' | 'cancel'>();
  const close = () => {
    setAsked(undefined);
    refresh();
  };
  return (
    <>
      <p class="quiet">
        <a href="#/jobs">All jobs</a>
      </p>
      <div class="story-head">
        <h1 tabIndex={-1}>
          Job <code>{requestId}</code>
        </h1>
        <CopyButton text={requestId} what="the request’s id" />
      </div>
      {error && <Failed error={error} retry={refresh} />}
      {!story && !error && <Loading what="the story" />}
      {story && (
        <>
          <section class="card story-now" aria-label="How it stands">
            <Standing story={story} />
            <div class="row-buttons">
              {story.status === 'failed' && (
                <IfAllowed to="POST /admin/jobs/{requestId}/retry">
                  <button type="button" class="primary" onClick={() => setAsked('retry')}>
                    Retry …
                  </button>
                </IfAllowed>
              )}
              {story.endedAt === null && (
                <IfAllowed to="POST /admin/jobs/{requestId}/cancel">
                  <button type="button" onClick={() => setAsked('cancel')}>
                    Cancel …
                  </button>
                </IfAllowed>
              )}
              {story.sessionId && story.userId && (
                <IfAllowed to="POST /admin/texts/conversation">
                  <a href={conversationHref(story.userId, story.sessionId)}>Read the conversation …</a>
                </IfAllowed>
              )}
            </div>
          </section>
          <div class="cards">
            <StorySteps story={story} />
            <StoryFacts story={story} />
            {story.failures.length > 0 && (
              <Card id="reasons" title="Why attempts failed" width="wide">
                <ol class="reasons">
                  {story.failures.map((reason, index) => (
                    // Two attempts may have failed for the same reason.
                    <li key={`${index} ${reason}`}>{reason}</li>
                  ))}
                </ol>
              </Card>
            )}
          </div>
        </>
      )}
      {asked && <JobDialog requestId={requestId} what={asked} onClose={close} />}
    </>
  );
}

/** What happens to the job now, or how it ended, in words. */
function Standing({ story }: { story: JobStory }) {
  const { status, code, addedAt, endedAt, ahead, nextAttemptAt, retry, attempts, maxAttempts, answer } = story;
  const { tone, words } = statusWords[status];
  const tookMs = endedAt ? Date.parse(endedAt) - Date.parse(addedAt) : undefined;
  return (
    <div>
      <p class="headline">
        <Mark tone={tone}>
          {words}
          {status === 'failed' && code && <>: {failureWords(code).means}</>}
        </Mark>
      </p>
      <p>
        {endedAt && tookMs !== undefined && (
          <>
            <Ago at={endedAt} />, {formatDuration(tookMs)} after it was added, in {countOf(attempts, 'attempt')}.{' '}
          </>
        )}
        {status === 'failed' && code && failureWords(code).todo}
        {status === 'waiting' && (ahead === null ? 'Its place is not known.' : `${countOf(ahead, 'job')} before it.`)}
        {status === 'active' && `A worker has it: attempt ${attempts} of ${maxAttempts}.`}
        {nextAttemptAt && (
          <>
            Attempt {attempts + 1} of {maxAttempts} begins <At at={nextAttemptAt} />.{' '}
          </>
        )}
        {!endedAt && retry && (
          <>
            {failureWords(retry.code).means} (<code>{retry.code}</code>), first <Ago at={retry.since} />.
          </>
        )}
        {answer?.cached && 'The answer came from the cache.'}
      </p>
    </div>
  );
}
