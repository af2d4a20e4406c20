import { useEffect, useState } from 'preact/hooks';

/** Returns the conversation that an address names, such as `#/c/ID`; undefined for a new one. */
export const sessionOf = (hash: string): string | undefined => /^#\/c\/([\w-]{1,128})$/.exec(hash)?.[1];

export const hrefOf = (sessionId: string | undefined) => (sessionId ? `#/c/${sessionId}` : '#/');

/**
 * Returns the conversation that is shown, and a function that shows another one at once. The browser's buttons for back
 * and forward work.
 */
export function useRoute(): [sessionId: string | undefined, show: (sessionId: string | undefined) => void] {
  const [sessionId, setSessionId] = useState(sessionOf(location.hash));
  useEffect(() => {
    const follow = () => setSessionId(sessionOf(location.hash));
    addEventListener('hashchange', follow);
    addEventListener('popstate', follow);
    return () => {
      removeEventListener('hashchange', follow);
      removeEventListener('popstate', follow);
    };
  }, []);
  const show = (next: string | undefined) => {
    if (next !== sessionOf(location.hash) || location.hash === '') history.pushState(null, '', hrefOf(next));
    setSessionId(next);
  };
  return [sessionId, show];
}
