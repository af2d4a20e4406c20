import { useState } from 'preact/hooks';
import type { IntakeReport } from '../../../contracts/http/intake-bodies.ts';
import type { Overview } from '../../../contracts/http/overview-bodies.ts';
import { ActionDialog } from '../../components/action-dialog.tsx';
import { ask } from '../../components/ask.ts';
import { Card, Empty } from '../../components/card.tsx';
import { countOf } from '../../components/format.ts';
import { Mark } from '../../components/mark.tsx';
import { Ago } from '../../components/time.tsx';
import { IfAllowed } from '../rights.tsx';

/** Whether workers take new questions, with the button that changes it. */
export function IntakeCard({ intake, refresh }: { intake: Overview['intake']; refresh: () => void }) {
  const [asked, setAsked] = useState<'pause' | 'resume'>();
  const close = () => {
    setAsked(undefined);
    refresh();
  };
  return (
    <Card
      id="intake"
      title="Intake"
      aside={
        intake && (
          <IfAllowed to={intake.paused ? 'POST /admin/intake/resume' : 'POST /admin/intake/pause'}>
            <button type="button" class="small" onClick={() => setAsked(intake.paused ? 'resume' : 'pause')}>
              {intake.paused ? 'Resume …' : 'Pause …'}
            </button>
          </IfAllowed>
        )
      }
    >
      {!intake && <Empty>Not known while Redis is away.</Empty>}
      {intake?.paused && (
        <p>
          <Mark tone="bad">
            Paused
            {intake.since && (
              <>
                {' '}
                <Ago at={intake.since} />
              </>
            )}
            {intake.by && <> by {intake.by === 'command' ? 'a command' : <code>{intake.by}</code>}</>}. New questions
            wait in RabbitMQ.
          </Mark>
        </p>
      )}
      {intake && !intake.paused && (
        <p>
          <Mark tone="good">Workers take new questions.</Mark>
        </p>
      )}
      {asked && <IntakeDialog what={asked} onClose={close} />}
    </Card>
  );
}

function IntakeDialog({ what, onClose }: { what: 'pause' | 'resume'; onClose: () => void }) {
  const set = (body: object) => ask<IntakeReport>(`admin/intake/${what}`, { body });
  return (
    <ActionDialog
      title={what === 'pause' ? 'Pause the intake' : 'Resume the intake'}
      given={{}}
      forecast={async () => {
        const { changed, effects } = await set({ dryRun: true });
        if (!changed)
          return { text: `The intake is ${what === 'pause' ? 'paused' : 'running'} already.`, button: undefined };
        return {
          text: what === 'pause' ? pauseText(effects) : resumeText(effects),
          button: what === 'pause' ? 'Pause the intake' : 'Resume the intake',
        };
      }}
      act={async () => {
        await set({});
        return what === 'pause' ? 'The intake is paused.' : 'Workers take new questions again.';
      }}
      onClose={onClose}
    />
  );
}

type Effects = IntakeReport['effects'];

function pauseText({ workers, messages, jobs }: Effects): string {
  return [
    `${countOf(workers, 'worker')} will take no new questions.`,
    messages === null
      ? 'Questions that wait in RabbitMQ stay there, and new ones join them.'
      : `${countOf(messages, 'question')} in RabbitMQ will stay there, and new ones join them.`,
    jobs === null
      ? 'What workers have already is finished.'
      : `${countOf(jobs, 'job')} that workers have already will be finished.`,
    'Users can still ask. Nothing is lost.',
  ].join(' ');
}

function resumeText({ workers, messages }: Effects): string {
  const taken = messages === null ? 'the questions' : countOf(messages, 'question');
  return `${countOf(workers, 'worker')} will take ${taken} in RabbitMQ again, the oldest first.`;
}
