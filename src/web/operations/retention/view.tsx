import type { RetentionTable } from '../../../contracts/http/retention-bodies.ts';
import { Failed, Loading } from '../../components/card.tsx';
import { formatCount, formatDuration } from '../../components/format.ts';
import { Mark } from '../../components/mark.tsx';
import { Ago } from '../../components/time.tsx';
import { usePolled } from '../../components/use-polled.ts';

type Kept = RetentionTable['kept'][number];
type Sweep = Kept['sweeps'][number];

const EVERY_MS = 10_000;

const storeNames: Record<Kept['store'], string> = {
  mongodb: 'MongoDB',
  redis: 'Redis',
  'redis-cache': 'Redis of the answer cache',
  rabbitmq: 'RabbitMQ',
};

const enforcers: Record<Kept['enforcedBy'], string> = {
  store: 'goes by its time to live',
  sweeper: 'removed by an api, which looks once a minute',
  product: 'ends with its work',
  people: 'stays until somebody removes it',
};

/** How long everything is kept, and what was removed last. */
export function RetentionView() {
  const { data, error, refresh } = usePolled<RetentionTable>('admin/retention', EVERY_MS);
  return (
    <>
      <h1 tabIndex={-1}>Retention</h1>
      <p class="lead">
        How long everything is kept, by the settings of this installation, and what was removed last because it was too
        old.
      </p>
      {error && <Failed error={error} retry={refresh} />}
      {!data && !error && <Loading what="the limits" />}
      <ul class="jobs kept">
        {data?.kept.map((kept) => (
          <KeptRow key={kept.name} kept={kept} />
        ))}
      </ul>
    </>
  );
}

function KeptRow({ kept }: { kept: Kept }) {
  const { what, store, limitMs, setting, from, enforcedBy, oldestGoesAt, sweeps } = kept;
  return (
    <li>
      <p class="job-status">
        {limitMs === null ? 'No fixed time' : limitMs === 0 ? 'Not at all' : formatDuration(limitMs)}
      </p>
      <div class="job-what">
        <h2>{what}</h2>
        <p class="quiet">
          {from}
          {setting && (
            <>
              {' '}
              (<code>{setting}</code>)
            </>
          )}
          ; in {storeNames[store]}; {enforcers[enforcedBy]}
        </p>
        {oldestGoesAt && (
          <p>
            <Mark tone="warn">
              The oldest is removed <Ago at={oldestGoesAt} />
            </Mark>
          </p>
        )}
      </div>
      <div class="quiet job-when">
        {sweeps.map((sweep) => (
          <Swept key={sweep.sweep} sweep={sweep} />
        ))}
      </div>
    </li>
  );
}

function Swept({ sweep: { doneAt, failingSince, total, lastRemovedAt } }: { sweep: Sweep }) {
  return (
    <>
      {failingSince ? (
        <Mark tone="bad">
          Could not be removed since <Ago at={failingSince} />
        </Mark>
      ) : (
        <p>
          {doneAt ? (
            <>
              looked <Ago at={doneAt} />
            </>
          ) : (
            'not looked for yet'
          )}
        </p>
      )}
      <p>
        {total === 0 ? (
          'nothing removed yet'
        ) : (
          <>
            {formatCount(total)} removed
            {lastRemovedAt && (
              <>
                , last <Ago at={lastRemovedAt} />
              </>
            )}
          </>
        )}
      </p>
    </>
  );
}
