import { useState } from 'preact/hooks';
import type { Gate } from '../../../contracts/gates.ts';
import { Card, Empty } from '../../components/card.tsx';
import { Mark } from '../../components/mark.tsx';
import { Ago, At } from '../../components/time.tsx';
import { IfAllowed } from '../rights.tsx';
import { gateWords, isRefused, needsSomebody } from '../words.ts';
import { GateDialog } from './gate-dialog.tsx';

/** Whether each provider's model is asked, with the buttons that change it. */
export function ProvidersCard({ gates, refresh }: { gates: Gate[] | null; refresh: () => void }) {
  const [asked, setAsked] = useState<{ gate: string; what: 'open' | 'shut' }>();
  const close = () => {
    setAsked(undefined);
    refresh();
  };
  return (
    <Card id="providers" title="Model providers">
      {!gates && <Empty>Not known while Redis is away.</Empty>}
      {gates?.length === 0 && <Empty>Each model is listed here once a worker has it, with a gate to shut it.</Empty>}
      {gates && gates.length > 0 && (
        <ul class="rows">
          {gates.map((gate) => (
            <li key={gate.gate}>
              <div>
                <h3>
                  <code>{gate.model}</code> <span class="quiet">{gate.provider}</span>
                </h3>
                <Standing gate={gate} />
                <Terms gate={gate} />
              </div>
              <div class="row-buttons">
                {gate.state !== 'open' && !isRefused(gate.cause) && (
                  <IfAllowed to="POST /admin/gates/open">
                    <button type="button" class="small" onClick={() => setAsked({ gate: gate.gate, what: 'open' })}>
                      Open …<span class="visually-hidden"> {gate.gate}</span>
                    </button>
                  </IfAllowed>
                )}
                {gate.cause !== 'operator' && !isRefused(gate.cause) && (
                  <IfAllowed to="POST /admin/gates/shut">
                    <button type="button" class="small" onClick={() => setAsked({ gate: gate.gate, what: 'shut' })}>
                      Shut …<span class="visually-hidden"> {gate.gate}</span>
                    </button>
                  </IfAllowed>
                )}
              </div>
            </li>
          ))}
        </ul>
      )}
      {asked && <GateDialog {...asked} onClose={close} />}
    </Card>
  );
}

/** Where texts go, and under which agreement, as far as somebody has said so. */
function Terms({ gate: { region, agreement } }: { gate: Gate }) {
  if (region === null && agreement === null) return null;
  return (
    <p class="quiet">
      Texts go to {region ?? 'a region that nobody has named'}
      {agreement === null ? ', without an agreement.' : `, under: ${agreement}.`}
    </p>
  );
}

function Standing({ gate: { state, cause, since, until, keyFingerprint } }: { gate: Gate }) {
  if (state === 'open') return <Mark tone="good">Open: it is asked</Mark>;
  const { means, todo } = gateWords(cause);
  if (isRefused(cause)) {
    return (
      <>
        <Mark tone="quiet">Never asked: {means}.</Mark>
        <p class="quiet">{todo}</p>
      </>
    );
  }
  return (
    <>
      <Mark tone={needsSomebody(cause) ? 'bad' : 'warn'}>
        {state === 'probing' ? (
          'Probing: one call tries it now'
        ) : (
          <>
            Shut
            {since && (
              <>
                {' '}
                <Ago at={since} />
              </>
            )}
          </>
        )}
        : {means}
        {cause === 'key' && keyFingerprint && (
          <>
            {' '}
            (fingerprint <code>{keyFingerprint}</code>)
          </>
        )}
        .
      </Mark>
      <p class="quiet">
        {todo}{' '}
        {state === 'shut' && until && (
          <>
            Next try: <At at={until} />.
          </>
        )}
      </p>
    </>
  );
}
