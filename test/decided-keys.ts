import type { retention } from '../src/contracts/retention.ts';

/**
 * What was decided about a kind of key in Redis: under which names docs/retention.md has it, or why it has nothing of a user.
 * `names` says why something under such keys may still name a user who was erased.
 */
export interface Decision {
  key: RegExp;
  kept: readonly (keyof typeof retention)[] | 'nothing of a user';
  names?: string;
}

const kept = (key: RegExp, ...names: string[]): Decision => ({ key, kept: names });
const none = (key: RegExp): Decision => ({ key, kept: 'nothing of a user' });
const names = (decision: Decision, why: string): Decision => ({ ...decision, names: why });

/** A queue of jobs: there may be several. */
const job = (name: string) => new RegExp(`^\\{healify(:\\d+)?\\}:chat:${name}$`);

/**
 * Every kind of key that the product keeps in Redis. Whoever adds one decides here whether it has something of a user. If it does, it
 * needs a limit in src/contracts/retention.ts; and if an erasure or an export must reach it, a kind in src/contracts/kept-data.ts.
 */
export const DECISIONS: readonly Decision[] = [
  // Conversations.
  kept(/^chat:session:[^:]+$/, 'conversations'),
  kept(/^\{chat:session:.+\}:turns$/, 'turns'),
  names(kept(/^\{chat:session:.+\}:erased$/, 'erased_conversations'), 'answers that come late are dropped'),
  none(/^\{chat:session:.+\}:loading$/),
  kept(/^chat:history:.+$/, 'lists_of_turns'),
  kept(/^\{chat:history:.+\}:sessions$/, 'lists_of_turns'),
  names(kept(/^\{chat:history:.+\}:erased$/, 'erased_users'), 'messages that come late are refused'),
  kept(/^chat:open-turns$/, 'open_turns'),
  kept(/^chat:feedback$/, 'feedback'),
  kept(/^chat:erasures$/, 'unfinished_erasures'),
  kept(/^chat:idempotency:.+:[0-9a-f]{64}$/, 'idempotency_keys'),
  kept(/^\{chat:history:.+\}:idempotency$/, 'idempotency_keys'),
  none(/^chat:settled-count$/),

  // Erasures.
  names(kept(/^chat:erasure:[0-9a-f]+$/, 'erasure_receipts'), 'it is the receipt'),
  names(kept(/^\{chat:history:.+\}:erasure$/, 'erasure_receipts'), 'it leads to the receipt'),
  names(kept(/^\{chat:erasure:.+\}:traces$/, 'erasure_traces'), 'verifying it needs the ids'),
  names(kept(/^chat:erasure-of:.+$/, 'erasure_receipts'), 'an erasure is under way'),
  none(/^\{chat:erasure:.+\}:lease$/),
  none(/^chat:unfinished-erasures$/),

  // Answers.
  kept(/^ai:response:.+$/, 'last_answers'),
  kept(/^\{ai:answer:..\}:[\w-]+$/, 'cached_answers'),
  kept(/^\{ai:answer:..\}:[\w-]+:awaiting$/, 'cached_answers'),
  kept(/^ai:answers-of:.+$/, 'cached_answers', 'last_answers'),
  names(kept(/^\{ai:log:.+\}$/, 'answer_logs'), 'a mark that it was erased, so that nobody goes on writing it'),

  // Jobs.
  kept(job('(wait|prioritized|delayed|active|stalled)'), 'waiting_jobs'),
  kept(job('(completed|failed)'), 'completed_jobs', 'failed_jobs'),
  kept(job('(completed|failed)-log'), 'job_search'),
  names(kept(job('events'), 'job_events'), 'ids of jobs, which say nothing else'),
  kept(job('next-tags'), 'places_in_line'),
  names(kept(job('erased-users'), 'erased_users'), 'messages that come late are refused'),
  kept(job('finished(:count|:\\d+:[0-9a-f]+)?'), 'finished_requests'),
  kept(job('r-[^:]+'), 'waiting_jobs', 'completed_jobs', 'completed_texts', 'failed_jobs'),
  kept(job('r-[^:]+:(lock|logs)'), 'waiting_jobs'),
  names(kept(job('r-[^:]+:cancelled'), 'cancelled_requests'), 'a worker that takes it later stops as well'),
  none(job('(meta|marker|id|pc|stalled-check|awaiting-model-turn)')),
  kept(/^\{healify(:\d+)?\}:retry-run:[^:]+(:jobs)?$/, 'retry_runs'),
  none(/^\{healify(:\d+)?\}:(running-)?retry-runs$/),

  // Accounts and logins.
  kept(/^auth:user:.+$/, 'account'),
  kept(/^auth:email:.+$/, 'account'),
  kept(/^auth:emails$/, 'account'),
  none(/^auth:emails-filled$/),
  kept(/^auth:refresh:.+$/, 'logins'),
  kept(/^auth:refresh-families:.+$/, 'logins'),
  kept(/^auth:admin-session:.+$/, 'admin_sessions'),
  kept(/^auth:text-access:.+$/, 'admin_sessions'),
  kept(/^auth:ticket:.+$/, 'tickets'),
  kept(/^auth:signed-in:.+$/, 'returned_sign_ins'),
  kept(/^auth:sign-in:.+$/, 'sign_ins'),
  kept(/^auth:invite:.+$/, 'invites'),
  kept(/^auth:reset:.+$/, 'password_resets'),
  kept(/^auth:email-proof:.+$/, 'email_proofs'),
  kept(/^auth:mailed-links:[0-9a-f]{64}$/, 'password_resets', 'email_proofs'),
  // Empty, by a hash of an id that an identity provider has made.
  none(/^auth:used-token:.+$/),
  // Their names are hashes.
  kept(/^auth:(reset-asks|email-proof-asks|login-tries):[\w-]{43,64}$/, 'failed_logins'),
  names(kept(/^auth:ended-logins$/, 'ended_logins'), 'tokens of the user are refused until they expire'),
  kept(/^rate:.+$/, 'rate_limits'),

  // Keys of texts.
  names(kept(/^keys:data:user:.+$/, 'data_key'), 'the key was destroyed, and no other one is made'),
  none(/^keys:data:(?!user:).+$/),
  none(/^keys:(master|store)$/),

  // What the processes need.
  names(kept(/^audit:trail$/, 'audit_trail'), 'it is the audit trail'),
  none(/^healify:installation$/),
  none(/^\{healify:safe-\d+\}:writes$/),
  none(/^\{chat:(oldest-turn|letters-seen)\}(:lease)?$/),
  none(/^\{healify\}:(queues-seen|broker-members-seen|failures-seen)(:lease)?$/),
  none(/^\{healify\}:sent-texts(:taken|:lease)?$/),
  none(/^\{healify\}:sweeps(:lease)?$/),
  // Who has paused it is named until it goes on.
  none(/^\{healify\}:intake-pause$/),
  none(/^\{healify\}:(depths|processes)$/),
  none(/^\{ai:gate:.+\}(:probe)?$/),
  none(/^ai:(gate-names|uncertain-spend)$/),
];

export const decisionsOn = (key: string): Decision[] => DECISIONS.filter((decision) => decision.key.test(key));
