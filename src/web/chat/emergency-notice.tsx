import { type EmergencyKind, emergencyNumbers } from './emergency.ts';

const numbers = emergencyNumbers(navigator.languages);

/** Says whom to call. */
export function EmergencyNotice({ kind, announced }: { kind: EmergencyKind; announced: boolean }) {
  const { region, emergency, crisis } = numbers;
  return (
    <aside class="notice bad emergency" aria-label="If this is an emergency">
      <div role={announced ? 'alert' : undefined}>
        <p>
          <strong>If this is an emergency, call now: </strong>
          <Calls numbers={emergency} />
          {region ? '.' : ', or the emergency number of your country.'}
        </p>
        {kind === 'crisis' && (
          <p>
            You do not have to be alone with this.{' '}
            {crisis.length > 0 ? (
              <>
                Talk to somebody, day or night: <Calls numbers={crisis} />.
              </>
            ) : (
              'Talk to somebody you trust, or find a crisis line near you.'
            )}
          </p>
        )}
        <p class="quiet">This is shown because of words in your text. It is no diagnosis.</p>
      </div>
    </aside>
  );
}

const Calls = ({ numbers }: { numbers: readonly string[] }) =>
  numbers.map((number, index) => (
    <span key={number}>
      {index > 0 && ' or '}
      <a class="call" href={`tel:${number.replaceAll(' ', '')}`}>
        {number}
      </a>
    </span>
  ));
