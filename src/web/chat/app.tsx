import { useEffect, useState } from 'preact/hooks';
import { login, onLogin } from './api.ts';
import { Chat } from './chat.tsx';
import { SignIn } from './sign-in.tsx';
import { SignedIn, signInCodeOf } from './signed-in.tsx';
import { proofIn, VerifyEmail } from './verify-email.tsx';

/** The chat page: the sign-in for those who are not known, and the conversations for those who are. */
export function App() {
  const [userId, setUserId] = useState(login.userId);
  const [proof, setProof] = useState(proofIn(location.hash));
  const [code, setCode] = useState(signInCodeOf(location.hash));
  useEffect(() => onLogin(() => setUserId(login.userId)), []);
  if (code !== undefined) return <SignedIn code={code} onEnd={() => setCode(undefined)} />;
  if (proof !== undefined) {
    const goOn = () => {
      // The token is of no more use.
      history.replaceState(null, '', '#/');
      setProof(undefined);
    };
    return <VerifyEmail token={proof} onDone={goOn} />;
  }
  return userId === undefined ? <SignIn /> : <Chat key={userId} userId={userId} />;
}
