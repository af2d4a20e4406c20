import { useEffect, useRef, useState } from 'preact/hooks';
import type { OpenLoginBody } from '../../../contracts/http/login-bodies.ts';
import { Card, Failed, Loading } from '../../components/card.tsx';
import { Ago } from '../../components/time.tsx';
import { account } from '../api.ts';
import { browserOf } from './browser-of.ts';
import { problemOf } from './problem-of.ts';

/** Where the user is signed in, with buttons that end that. */
export function Logins() {
  const [logins, setLogins] = useState<OpenLoginBody[]>();
  const [problem, setProblem] = useState<string>();
  const [said, setSaid] = useState('');
  const list = useRef<HTMLUListElement>(null);
  const load = async () => {
    try {
      setLogins(await account.logins());
      setProblem(undefined);
    } catch (error) {
      setProblem(problemOf(error));
    }
  };
  useEffect(() => void load(), []);

  const end = async (act: () => Promise<void>, words: string) => {
    try {
      await act();
    } catch (error) {
      setProblem(problemOf(error));
      return;
    }
    await load();
    setSaid(words);
    // The button that had the focus is gone.
    list.current?.focus();
  };
  const others = logins?.filter(({ current }) => !current) ?? [];
  return (
    <Card id="logins" title="Where you are signed in">
      {problem && <Failed error={new Error(problem)} retry={() => void load()} />}
      {!logins && !problem && <Loading what="your logins" />}
      <ul class="logins" ref={list} tabIndex={-1} aria-labelledby="logins">
        {logins?.map((login) => (
          <li key={login.loginId}>
            <div>
              <strong>{browserOf(login.agent)}</strong> {login.current && <span class="quiet">(this one)</span>}
              <p class="quiet">
                {login.address && <>From {login.address}. </>}
                Last used <Ago at={login.refreshedAt} />.
              </p>
            </div>
            {!login.current && (
              <button
                type="button"
                class="small"
                onClick={() => end(() => account.endLogin(login.loginId), 'The login has ended.')}
              >
                End<span class="visually-hidden"> the login of {browserOf(login.agent)}</span>
              </button>
            )}
          </li>
        ))}
      </ul>
      <p class="quiet" role="status">
        {said}
      </p>
      {others.length > 0 && (
        <button type="button" onClick={() => end(account.endOtherLogins, 'All other logins have ended.')}>
          End all others
        </button>
      )}
    </Card>
  );
}
