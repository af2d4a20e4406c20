/** A view of the page. Each has an address behind the `#`, so that it can be linked. */
export type Route =
  | { view: 'overview'; to: string | undefined }
  | { view: 'jobs'; query: URLSearchParams }
  | { view: 'story'; requestId: string }
  | { view: 'failures' }
  | { view: 'dead-letters'; queue: 'chat_requests' | 'chat_responses'; reason: string | undefined }
  | { view: 'texts'; query: URLSearchParams }
  | { view: 'retention' }
  | { view: 'accounts' }
  | { view: 'account'; userId: string }
  | { view: 'nothing' };

/** Reads the view out of an address, such as `#/jobs?status=failed`. */
export function routeOf(hash: string): Route {
  const [path = '', search = ''] = hash.replace(/^#\/?/, '').split(/\?(.*)/s);
  const query = new URLSearchParams(search);
  const [view, name] = path.split('/');
  if (view === '' && name === undefined) return { view: 'overview', to: query.get('to') ?? undefined };
  if (view === 'jobs' && name === undefined) return { view: 'jobs', query };
  if (view === 'jobs' && name) return { view: 'story', requestId: decoded(name) };
  if (view === 'failures' && name === undefined) return { view: 'failures' };
  if (view === 'dead-letters' && (name === undefined || name === 'chat_requests' || name === 'chat_responses')) {
    return { view: 'dead-letters', queue: name ?? 'chat_requests', reason: query.get('reason') ?? undefined };
  }
  if (view === 'texts' && name === undefined) return { view: 'texts', query };
  if (view === 'retention' && name === undefined) return { view: 'retention' };
  if (view === 'accounts' && name === undefined) return { view: 'accounts' };
  if (view === 'accounts' && name) return { view: 'account', userId: decoded(name) };
  return { view: 'nothing' };
}

export const storyHref = (requestId: string) => `#/jobs/${encodeURIComponent(requestId)}`;

export const accountHref = (userId: string) => `#/accounts/${encodeURIComponent(userId)}`;

/** The place for one's own account, on the chat page. */
export const ACCOUNT_PAGE = './#/account';

/** Where somebody who was invited makes an account, on the chat page. The server is not sent what comes after `#`. */
export const invitePage = (invite: string) => `./#/invite/${invite}`;

/** Where somebody who may reads a conversation, once they have said why. */
export const conversationHref = (userId: string, sessionId: string) =>
  `#/texts?${new URLSearchParams({ userId, sessionId })}`;

export const letterHref = (queue: string, messageId: string) => `#/texts?${new URLSearchParams({ queue, messageId })}`;

/** @param fields empty ones are left out */
export function jobsHref(fields: Record<string, string | undefined>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(fields)) if (value) query.set(name, value);
  return query.size > 0 ? `#/jobs?${query}` : '#/jobs';
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
