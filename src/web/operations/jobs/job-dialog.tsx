import { ActionDialog } from '../../components/action-dialog.tsx';
import { ask } from '../../components/ask.ts';

/** Retries or cancels one job. */
export function JobDialog({
  requestId,
  what,
  onClose,
}: {
  requestId: string;
  what: 'retry' | 'cancel';
  onClose: () => void;
}) {
  const path = `admin/jobs/${encodeURIComponent(requestId)}/${what}`;
  if (what === 'cancel') {
    return (
      <ActionDialog
        title="Cancel this job"
        given={{}}
        danger
        forecast={async () => {
          await ask(path, { body: { dryRun: true } });
          const text =
            'This one question will end as if its user had cancelled it. The user gets no answer, and can ask again.';
          return { text, button: 'Cancel this job' };
        }}
        act={async () => {
          await ask(path, { body: {} });
          return 'It ends within seconds, once a worker has it.';
        }}
        onClose={onClose}
      />
    );
  }
  return (
    <ActionDialog
      title="Retry this job"
      given={{}}
      forecast={async () => {
        const { asksModel } = await ask<{ asksModel: boolean }>(path, { body: { dryRun: true } });
        const text = asksModel
          ? 'This one question will be put in line again. It asks the model again, which may cost money. The answer replaces the failure that its user sees.'
          : 'This one question will be put in line again. Its answer is kept, so it is only sent again, and costs nothing.';
        return { text, button: 'Retry this job' };
      }}
      act={async () => {
        await ask(path, { body: {} });
        return 'It is in line again.';
      }}
      onClose={onClose}
    />
  );
}
