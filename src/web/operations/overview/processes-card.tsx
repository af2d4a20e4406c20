import type { Overview } from '../../../contracts/http/overview-bodies.ts';
import type { ServerMember } from '../../../contracts/server-members.ts';
import { Card, Empty } from '../../components/card.tsx';
import { Mark } from '../../components/mark.tsx';
import { Ago } from '../../components/time.tsx';

const serverNames: Record<string, string> = {
  rabbitmq: 'RabbitMQ',
  redis: 'Redis',
  'redis-cache': 'Redis of the cache',
  mongodb: 'MongoDB',
};

/** Whether every process and every server is there. */
export function ProcessesCard({ seen: { servers, processes, warnings } }: { seen: Overview }) {
  const fingerprints = new Set(processes?.filter(({ state }) => state === 'alive').map(({ settings }) => settings));
  return (
    <Card id="processes" title="Processes and servers" width="wide">
      <ul class="rows health">
        {servers.map(({ server, state, detail, members }) => (
          <li key={server}>
            <h3>{serverNames[server] ?? server}</h3>
            <Mark tone={state === 'up' ? 'good' : 'bad'}>
              {state === 'up' ? 'Up' : `Down${detail ? `: ${detail}` : ''}`}
            </Mark>
            {members && members.length > 1 && <Members members={members} />}
          </li>
        ))}
        {processes?.map(({ id, role, version, settings, startedAt, state, silentSince }) => (
          <li key={id}>
            <h3>
              {role} <code class="quiet">{id.slice(0, 8)}</code>
            </h3>
            <Mark tone={state === 'alive' ? 'good' : 'bad'}>
              {state === 'alive' ? (
                'Alive'
              ) : (
                <>
                  Fell silent
                  {silentSince && (
                    <>
                      {' '}
                      <Ago at={silentSince} />
                    </>
                  )}
                </>
              )}
            </Mark>
            <p class="quiet">
              {version}, started <Ago at={startedAt} />
              {fingerprints.size > 1 && (
                <>
                  , settings <code>{settings}</code>
                </>
              )}
            </p>
          </li>
        ))}
      </ul>
      {!processes && <Empty>The processes are not known while Redis is away.</Empty>}
      {warnings.length > 0 && (
        <ul class="warnings">
          {warnings.map((warning) => (
            <li key={warning}>
              <Mark tone="warn">{warning}</Mark>
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}

/** The nodes of a cluster. */
const Members = ({ members }: { members: readonly ServerMember[] }) => (
  <ul class="quiet">
    {members.map(({ name, state, role, detail }) => (
      <li key={name}>
        <Mark tone={state === 'down' ? 'bad' : detail ? 'warn' : 'good'}>
          {name}: {state}
          {role && `, ${role}`}
          {detail && `; ${detail}`}
        </Mark>
      </li>
    ))}
  </ul>
);
