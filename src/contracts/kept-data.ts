/**
 * Every kind of data that is kept of a user. Receipts of erasures, their verification and the documents come from this table.
 * What is done with each kind is written where the stores are wired: src/main/erasure/groups.ts.
 */
export const keptData = {
  account: { store: 'lasting', what: 'The account: email, hash of the password, second factor, role.' },
  logins: { store: 'lasting', what: 'Logins: their refresh tokens, with address and program.' },
  links: {
    store: 'redis',
    what: 'Links in mails that were not used: to choose another password, or to verify the email.',
  },
  admin_sessions: { store: 'redis', what: 'Logins to the admin’s pages, and access to texts in an emergency.' },
  tickets: {
    store: 'redis',
    what: 'Tickets for event streams and WebSockets, and logins on their way back from an identity provider. Each counts for a minute at most.',
  },
  rate_limits: { store: 'redis', what: 'How often the user has called what, for a minute.' },
  idempotency_keys: { store: 'redis', what: 'Hashes of Idempotency-Keys, each with the ids of its question.' },
  conversations: { store: 'lasting', what: 'Conversations with their titles.' },
  turns: { store: 'lasting', what: 'Questions and answers, also questions that were never confirmed.' },
  feedback: { store: 'lasting', what: 'What the user thinks of answers.' },
  open_turns: { store: 'redis', what: 'Questions that are supervised until they end.' },
  unfinished_erasures: { store: 'redis', what: 'Conversations that were erased, and have something left elsewhere.' },
  jobs: { store: 'redis', what: 'Jobs in every state and every shard.' },
  job_search: { store: 'redis', what: 'Lines by which operators find jobs that have ended.' },
  places_in_line: { store: 'redis', what: 'The user’s place among those who wait.' },
  answer_logs: { store: 'redis', what: 'Logs of streamed answers.' },
  cached_answers: { store: 'cache', what: 'Answers that are kept for the same question.' },
  last_answers: { store: 'cache', what: 'The last answer of a conversation, for other services.' },
  dead_requests: { store: 'rabbitmq', what: 'Dead letters in chat_requests.dlq.' },
  dead_responses: { store: 'rabbitmq', what: 'Dead letters in chat_responses.dlq.' },
  data_key: { store: 'lasting', what: 'The key that all texts of the user are encrypted with, in backups too.' },
} as const satisfies Record<string, { store: StoreOfData; what: string }>;

/** `lasting` is MongoDB if there is one, and else Redis. */
export type StoreOfData = 'lasting' | 'redis' | 'cache' | 'rabbitmq';

export type KindOfData = keyof typeof keptData;

export const kindsOfData = Object.keys(keptData) as KindOfData[];

/** Whose data is meant: all of a user, or one of the user's conversations. */
export interface DataOf {
  userId: string;
  sessionId?: string | undefined;
}

export type DataOfSession = DataOf & { sessionId: string };
