import { useContext } from 'preact/hooks';
import { roleWords } from './accounts/role-words.ts';
import { Me } from './rights.tsx';
import { ACCOUNT_PAGE } from './route.ts';

/** Who is logged in, and as what. */
export function Who() {
  const me = useContext(Me);
  if (!me) return null;
  const { email, userId, role } = me;
  return (
    <p class="who" title={email ?? userId}>
      <span class="visually-hidden">Logged in: </span>
      {email === null ? <span>{userId}</span> : <a href={ACCOUNT_PAGE}>{email}</a>}
      <span class="quiet">{roleWords[role].name}</span>
    </p>
  );
}
