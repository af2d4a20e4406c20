import { useEffect, useState } from 'preact/hooks';

/** Returns the conversation that an address names, such as `#/c/ID`; undefined for a new one. */
export const sessionOf = (hash: string): string | undefined => /^#\/c\/([\w-]{1,128})$/.exec(hash)?.[1];

export const hrefOf = (sessionId: string | undefined) => (sessionId ? `#/c/${sessionId}` : '#/');

/** The address of the user's own account. */
export const ACCOUNT_HREF = '#/account';

/**
 * Returns the conversation that is shown, or whether it is the user's account, and functions that show something else at once.
 * The browser's buttons for back and forward work.
 */
export function useRoute(): {
  sessionId: string | undefined;
  isAccount: boolean;
  show: (sessionId: string | undefined) => void;
  showAccount: () => void;
} {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const follow = () => setHash(location.hash);
    // It may have changed since the page was drawn.
    follow();
    addEventListener('hashchange', follow);
    addEventListener('popstate', follow);
    return () => {
      removeEventListener('hashchange', follow);
      removeEventListener('popstate', follow);
    };
  }, []);
  const go = (href: string) => {
    if (href !== location.hash) history.pushState(null, '', href);
    setHash(href);
  };
  return {
    sessionId: sessionOf(hash),
    isAccount: hash === ACCOUNT_HREF,
    show: (next) => go(hrefOf(next)),
    showAccount: () => go(ACCOUNT_HREF),
  };
}
