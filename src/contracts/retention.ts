import { type KindOfData, keptData, type StoreOfData } from './kept-data.ts';

/** What the sweeper removes, in this order. A sweep is a part of what is kept that is removed by one task. */
export const sweepNames = [
  'completed_jobs',
  'completed_texts',
  'failed_jobs',
  'job_search',
  'job_events',
  'places_in_line',
  'feedback',
  'dead_requests',
  'dead_responses',
  'audit_trail',
  'expired_documents',
] as const;

export type SweepName = (typeof sweepNames)[number];

/** For how long something is kept: a time after an event, or until something happens. */
export type Limit =
  | {
      /** The setting that has the time. */
      setting: string;
      /** From when on. */
      after: string;
      /** 2: it may take up to twice the time. */
      upTo?: 2;
    }
  | { ms: number; after: string }
  | { until: string };

/**
 * Who sees to it. `store`: Redis or MongoDB removes it by its time to live. `sweeper`: an api looks once a minute, whether
 * anything else happens or not. `product`: it ends with the work that it belongs to. `people`: somebody must do it.
 */
export type Enforcer = 'store' | 'sweeper' | 'product' | 'people';

export interface Retained {
  /** Left out: it is not of a user, or of nobody who is known. */
  kind?: KindOfData;
  what: string;
  store: StoreOfData;
  limit: Limit;
  enforcedBy: Enforcer;
  /** The sweeps that remove it. */
  sweeps?: readonly SweepName[];
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

type Rest = Omit<Retained, 'kind' | 'what' | 'store'> & Partial<Pick<Retained, 'what' | 'store'>>;
const of = (kind: KindOfData, rest: Rest): Retained => ({ kind, ...keptData[kind], ...rest });

const historyOf = (kind: 'conversations' | 'turns') =>
  of(kind, {
    limit: { setting: 'HISTORY_RETENTION', after: 'the last change of the conversation' },
    enforcedBy: 'store',
    sweeps: ['expired_documents'],
  });
const lettersOf = (kind: 'dead_requests' | 'dead_responses') =>
  of(kind, {
    limit: { setting: 'DEAD_LETTER_RETENTION', after: 'the message became a dead letter' },
    enforcedBy: 'sweeper',
    sweeps: [kind],
  });

/**
 * How long everything is kept: the only place that says so. The documents, the admin's API and the operations page come from
 * it. Every kind of data of a user is here at least once.
 */
export const retention: Readonly<Record<string, Retained>> = {
  account: of('account', { limit: { until: 'it is erased' }, enforcedBy: 'people' }),
  logins: of('logins', {
    limit: { setting: 'REFRESH_TOKEN_TTL', after: 'its last refresh' },
    enforcedBy: 'store',
    sweeps: ['expired_documents'],
  }),
  admin_sessions: of('admin_sessions', {
    limit: { setting: 'ADMIN_SESSION_MAX', after: 'the login' },
    enforcedBy: 'store',
  }),
  tickets: of('tickets', {
    what: 'Tickets for event streams and WebSockets. Each counts for seconds.',
    limit: { ms: 30_000, after: 'it was made' },
    enforcedBy: 'store',
  }),
  returned_sign_ins: of('tickets', {
    what: 'Logins that have come back from the identity provider, until the page asks for their tokens.',
    limit: { ms: 60_000, after: 'it came back' },
    enforcedBy: 'store',
  }),
  rate_limits: of('rate_limits', { limit: { ms: 60_000, after: 'the first call' }, enforcedBy: 'store' }),
  idempotency_keys: of('idempotency_keys', {
    limit: { setting: 'IDEMPOTENCY_TTL', after: 'its question' },
    enforcedBy: 'store',
  }),
  conversations: historyOf('conversations'),
  turns: historyOf('turns'),
  lists_of_turns: of('turns', {
    what: 'Lists of a user’s questions and conversations: their ids and times.',
    store: 'redis',
    limit: { setting: 'HISTORY_RETENTION', after: 'the question', upTo: 2 },
    enforcedBy: 'store',
  }),
  feedback: of('feedback', {
    limit: { setting: 'HISTORY_RETENTION', after: 'it was given' },
    enforcedBy: 'sweeper',
    sweeps: ['feedback', 'expired_documents'],
  }),
  open_turns: of('open_turns', {
    limit: { setting: 'REQUEST_DEADLINE', after: 'the question' },
    enforcedBy: 'product',
  }),
  unfinished_erasures: of('unfinished_erasures', { limit: { until: 'the erasure is done' }, enforcedBy: 'product' }),
  waiting_jobs: of('jobs', {
    what: 'Jobs that wait or are in hand, with their texts.',
    limit: { setting: 'REQUEST_DEADLINE', after: 'the question' },
    enforcedBy: 'product',
  }),
  completed_texts: of('jobs', {
    what: 'Texts of completed jobs.',
    limit: { setting: 'FINISHED_JOB_TEXT', after: 'the job completed' },
    enforcedBy: 'sweeper',
    sweeps: ['completed_texts'],
  }),
  completed_jobs: of('jobs', {
    what: 'Completed jobs: ids, times, steps and outcome.',
    limit: { setting: 'COMPLETED_JOBS_AGE', after: 'the job completed' },
    enforcedBy: 'sweeper',
    sweeps: ['completed_jobs'],
  }),
  failed_jobs: of('jobs', {
    what: 'Failed jobs with their texts, so that an operator can retry them.',
    limit: { setting: 'FAILED_JOBS_AGE', after: 'the job failed' },
    enforcedBy: 'sweeper',
    sweeps: ['failed_jobs'],
  }),
  job_search: of('job_search', {
    limit: { until: 'such a job would be too old' },
    enforcedBy: 'sweeper',
    sweeps: ['job_search'],
  }),
  job_events: of('jobs', {
    what: 'BullMQ’s events about jobs: ids and reasons.',
    limit: { setting: 'COMPLETED_JOBS_AGE', after: 'the event' },
    enforcedBy: 'sweeper',
    sweeps: ['job_events'],
  }),
  places_in_line: of('places_in_line', {
    limit: { until: 'nobody waits' },
    enforcedBy: 'sweeper',
    sweeps: ['places_in_line'],
  }),
  answer_logs: of('answer_logs', {
    limit: { setting: 'ANSWER_LOG_TTL', after: 'the answer ended' },
    enforcedBy: 'store',
  }),
  cached_answers: of('cached_answers', { limit: { setting: 'CACHE_TTL', after: 'the answer' }, enforcedBy: 'store' }),
  last_answers: of('last_answers', { limit: { setting: 'CACHE_TTL', after: 'the answer' }, enforcedBy: 'store' }),
  dead_requests: lettersOf('dead_requests'),
  dead_responses: lettersOf('dead_responses'),
  data_key: of('data_key', { limit: { until: 'its user is erased' }, enforcedBy: 'people' }),
  audit_trail: {
    what: 'Entries of the audit trail: who did what, by ids.',
    store: 'lasting',
    limit: { setting: 'AUDIT_RETENTION', after: 'the entry' },
    enforcedBy: 'sweeper',
    sweeps: ['audit_trail'],
  },
  erasure_receipts: {
    what: 'Receipts of erasures: ids, kinds and counts.',
    store: 'lasting',
    limit: { setting: 'ERASURE_RECEIPTS', after: 'the erasure' },
    enforcedBy: 'store',
    sweeps: ['expired_documents'],
  },
  erasure_traces: {
    what: 'Ids by which an erasure finds what was left.',
    store: 'redis',
    limit: { ms: 30 * DAY_MS, after: 'the last of them was found' },
    enforcedBy: 'store',
  },
  erased_users: {
    what: 'That a user was erased, so that late messages are refused: the userId.',
    store: 'redis',
    limit: { until: 'the installation ends' },
    enforcedBy: 'people',
  },
  erased_conversations: {
    what: 'That a conversation was erased, so that late answers are dropped: its id.',
    store: 'redis',
    limit: { ms: 7 * DAY_MS, after: 'the erasure' },
    enforcedBy: 'store',
  },
  cancelled_requests: {
    what: 'That a question was cancelled: its id.',
    store: 'redis',
    limit: { ms: 7 * DAY_MS, after: 'the cancellation' },
    enforcedBy: 'store',
  },
  finished_requests: {
    what: 'Digests of finished questions, so that none is answered twice.',
    store: 'redis',
    limit: { setting: 'REDELIVERY_WINDOW', after: 'the answer', upTo: 2 },
    enforcedBy: 'store',
  },
  retry_runs: {
    what: 'Runs that retry failed jobs: who began them, and what came of it.',
    store: 'redis',
    limit: { ms: DAY_MS, after: 'its last step' },
    enforcedBy: 'store',
  },
  invites: {
    what: 'Invites that nobody has used, as hashes.',
    store: 'redis',
    limit: { setting: 'INVITE_TTL', after: 'it was made' },
    enforcedBy: 'store',
  },
  password_resets: of('links', {
    what: 'Wishes for another password: the email, by a hash of the link.',
    limit: { setting: 'PASSWORD_RESET_TTL', after: 'the mail' },
    enforcedBy: 'store',
  }),
  email_proofs: of('links', {
    what: 'Links that verify an email: the email, by a hash of the link.',
    limit: { ms: DAY_MS, after: 'the mail' },
    enforcedBy: 'store',
  }),
  sign_ins: {
    what: 'Logins at the identity provider that have not come back yet: secrets of a browser’s way there.',
    store: 'redis',
    limit: { ms: 10 * 60_000, after: 'it began' },
    enforcedBy: 'store',
  },
  failed_logins: {
    what: 'Failed logins and mails that were asked for, by a hash of the address or the account.',
    store: 'redis',
    limit: { ms: DAY_MS, after: 'the last of them' },
    enforcedBy: 'store',
  },
  ended_logins: {
    what: 'Ids of logins that have ended while their tokens may be unexpired.',
    store: 'redis',
    limit: { ms: 25 * HOUR_MS, after: 'the end' },
    enforcedBy: 'store',
  },
};
