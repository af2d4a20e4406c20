import { useEffect, useState } from 'preact/hooks';
import { login, onLogin } from './api.ts';
import { Chat } from './chat.tsx';
import { SignIn } from './sign-in.tsx';

/** The chat page: the sign-in for those who are not known, and the conversations for those who are. */
export function App() {
  const [userId, setUserId] = useState(login.userId);
  useEffect(() => onLogin(() => setUserId(login.userId)), []);
  return userId === undefined ? <SignIn /> : <Chat key={userId} userId={userId} />;
}
