import type { DepthHistory } from '../../../contracts/depths.ts';
import type { Overview } from '../../../contracts/http/overview-bodies.ts';
import { Card, Empty } from '../../components/card.tsx';
import { countOf, formatCount } from '../../components/format.ts';
import { usePolled } from '../../components/use-polled.ts';
import { Chart } from './chart.tsx';

const HISTORY_EVERY_MS = 15_000;

const queueWords: Record<string, string> = {
  chat_requests: 'Questions on their way to the workers',
  chat_responses: 'Answers on their way to the api',
  'chat_requests.dlq': 'Questions that could not be processed',
  'chat_responses.dlq': 'Answers that could not be processed',
};
const jobWords: Record<string, string> = {
  waiting: 'Jobs in line',
  delayed: 'Jobs between two attempts',
  active: 'Jobs being worked on',
  failed: 'Failed jobs',
};

interface Row {
  name: string;
  words: string;
  unit: string;
  now: number | undefined;
  note?: string | undefined;
}

/** How full each queue is, and was over the last hour. */
export function QueuesCard({ seen: { queues, jobs } }: { seen: Overview }) {
  const { data: history } = usePolled<DepthHistory>('admin/history', HISTORY_EVERY_MS);
  const rows: Row[] = [
    ...Object.entries(queueWords).map(([name, words]) => {
      const queue = queues?.find((each) => each.queue === name);
      const consumers = queue && !name.endsWith('.dlq') ? countOf(queue.consumers, 'consumer') : undefined;
      return { name, words, unit: 'message', now: queue?.messages, note: consumers };
    }),
    ...Object.entries(jobWords).map(([name, words]) => ({
      name,
      words,
      unit: 'job',
      now: jobs?.[name as keyof typeof jobs],
    })),
  ];
  return (
    <Card id="queues" title="Queues, over the last hour" width="wide">
      <ul class="queues">
        {rows.map(({ name, words, unit, now, note }) => {
          const past = history?.series.find((series) => series.name === name)?.values;
          // The present is newer than the last value.
          const values = past && [...past.slice(1), now ?? null];
          return (
            <li key={name}>
              <div class="queue-now">
                <h3>{words}</h3>
                <p>
                  <strong>{now === undefined ? '?' : formatCount(now)}</strong>{' '}
                  <span class="quiet">
                    <code>{name}</code>
                    {note && `, ${note}`}
                  </span>
                </p>
              </div>
              {history && values ? (
                <Chart name={words} unit={unit} values={values} stepMs={history.stepMs} />
              ) : (
                <Empty>The last hour will be drawn here.</Empty>
              )}
            </li>
          );
        })}
      </ul>
    </Card>
  );
}
