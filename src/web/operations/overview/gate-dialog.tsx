import { useState } from 'preact/hooks';
import { ActionDialog } from '../../components/action-dialog.tsx';
import { ask } from '../../components/ask.ts';
import { clockTime, countOf } from '../../components/format.ts';

/** What the API says of a gate that is opened or shut. */
interface GateReport {
  wasShut: boolean;
  /** Only of a gate that is shut. */
  until?: string;
  effects: { jobs: { waiting: number; delayed: number; active: number }; otherGatesOpen: number };
}

const durations = { '15m': '15 minutes', '1h': '1 hour', '6h': '6 hours', '24h': '24 hours' };

/** Opens or shuts a gate, for all workers. */
export function GateDialog({ gate, what, onClose }: { gate: string; what: 'open' | 'shut'; onClose: () => void }) {
  const [duration, setDuration] = useState<keyof typeof durations>('1h');
  const set = (body: object) => ask<GateReport>(`admin/gates/${what}`, { body: { gate, ...body } });
  if (what === 'open') {
    return (
      <ActionDialog
        title={`Open ${gate}`}
        given={{}}
        forecast={async () => {
          const { wasShut, effects } = await set({ dryRun: true });
          if (!wasShut) return { text: 'It is open already.', button: undefined };
          const text = `All workers will ask it again at once: ${openJobs(effects)} may go to it. If it still fails, the next call shuts it again.`;
          return { text, button: 'Open the gate' };
        }}
        act={async () => {
          await set({});
          return 'The gate is open: calls pass.';
        }}
        onClose={onClose}
      />
    );
  }
  return (
    <ActionDialog
      title={`Shut ${gate}`}
      given={{ for: duration }}
      danger
      forecast={async (given) => {
        const { until, effects } = await set({ ...given, dryRun: true });
        const { otherGatesOpen, jobs } = effects;
        const text = [
          `No worker will ask it until ${clockTime(until!)}.`,
          `${countOf(jobs.active, 'call')} under way will end as they would.`,
          otherGatesOpen > 0
            ? `Other questions (${openJobs(effects)}) go to a fallback if there is one: ${countOf(otherGatesOpen, 'other gate is', 'other gates are')} open. Without a fallback they wait.`
            : `No other gate is open, so ${openJobs(effects)} will wait, and new questions too, until their deadline.`,
        ].join(' ');
        return { text, button: 'Shut the gate' };
      }}
      act={async (given) => {
        const { until } = await set(given);
        return `The gate is shut until ${clockTime(until!)}.`;
      }}
      onClose={onClose}
    >
      <label>
        For how long
        <select value={duration} onChange={(event) => setDuration(event.currentTarget.value as keyof typeof durations)}>
          {Object.entries(durations).map(([value, words]) => (
            <option key={value} value={value}>
              {words}
            </option>
          ))}
        </select>
        <small>After that, one call tries it.</small>
      </label>
    </ActionDialog>
  );
}

const openJobs = ({ jobs }: GateReport['effects']) => countOf(jobs.waiting + jobs.delayed, 'waiting job');
