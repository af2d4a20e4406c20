/**
 * Operations that may refuse what their schema allows, because a rule of theirs cannot be written as a JSON Schema: with which
 * statuses, and why. Everything else must accept whatever its schema allows.
 */
export const beyondSchema: Record<string, { statuses: number[]; why: string }> = {
  'DELETE /account': { statuses: [400], why: 'which of the two fields is needed depends on who has the accounts' },
  'GET /admin/jobs': { statuses: [400], why: 'a cursor comes from the page before' },
  'GET /chat/history/{userId}': { statuses: [400], why: 'a cursor comes from the page before' },
  'GET /chat/session/{sessionId}': { statuses: [400], why: 'a cursor comes from the page before' },
  'GET /chat/sessions': { statuses: [400], why: 'a cursor comes from the page before' },
  'POST /admin/texts/conversation': { statuses: [400], why: 'a cursor comes from the page before' },
  'GET /chat/ws': { statuses: [426], why: 'it is no HTTP request' },
  'POST /admin/accounts/disable': { statuses: [400], why: 'either email or userId' },
  'POST /admin/accounts/enable': { statuses: [400], why: 'either email or userId' },
  'POST /admin/accounts/end-logins': { statuses: [400], why: 'either email or userId' },
  'POST /admin/accounts/erase': { statuses: [400], why: 'either email or userId' },
  'POST /admin/accounts/find': { statuses: [400], why: 'either email or userId' },
  'POST /admin/accounts/reset-second-factor': { statuses: [400], why: 'either email or userId' },
  'POST /admin/accounts/role': { statuses: [400], why: 'either email or userId' },
  'POST /admin/dead-letters/{queue}/drop': { statuses: [400], why: 'without a dry run it must be confirmed' },
  'POST /admin/gates/shut': { statuses: [400], why: 'a gate cannot be shut for longer than a day, or for no time' },
  'POST /admin/jobs/retry': { statuses: [400], why: 'at least one filter, unless it is a dry run' },
  'POST /admin/retry-runs': { statuses: [400], why: 'at least one filter, unless it is a dry run' },
  'POST /auth/oidc/tokens': { statuses: [400], why: 'a code comes from a login, and counts once' },
  'POST /auth/register': { statuses: [400], why: 'a password must be hard to guess' },
  'POST /auth/password': { statuses: [400], why: 'a password must be hard to guess' },
  'POST /auth/password/reset': { statuses: [400], why: 'a password must be hard to guess' },
  'POST /chat/send': { statuses: [400, 422], why: 'a new session needs a random id; an Idempotency-Key is used once' },
};
