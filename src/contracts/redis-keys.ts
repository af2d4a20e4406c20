import { keyBeside } from './key-beside.ts';
import { JOBS_PREFIX, JOBS_QUEUE } from './queues.ts';

/**
 * Every key that we keep in Redis, except BullMQ's own (`JOBS_PREFIX`). Keys that one script uses share a slot of a Redis
 * Cluster: `keyBeside` gives those of a session or a user, `{chat:session:…}:turns` for ordinary ids.
 */
export const redisKeys = {
  /**
   * String, JSON: `sessionId`, `userId`, `title` (or `sealed`, the title encrypted), `createdAt`, `updatedAt`, and `status: 'accepting'` until a turn is visible. Other
   * services may read it, so its name must not change. It has no other status: a visible session has the status of its
   * latest turn.
   */
  session: (sessionId: string) => `chat:session:${sessionId}`,
  /**
   * Hash: the session's turns. Each turn has `{requestId}:q`, its number and the question as JSON; `{requestId}:s`, its
   * state until it has an answer; then `{requestId}:a`, the answer as JSON, and `{requestId}:k`, the answer's key in
   * the answer cache; `{requestId}:f`, what its user thinks of it, as JSON. The order of the turns: `{number}:n`, the requestId; `index:n`, the next number and the count.
   */
  turns: (sessionId: string): string => keyBeside(redisKeys.session(sessionId), 'turns'),
  /**
   * String: the session was erased, and late answers are dropped. It is JSON with `userId`, `requestIds` and
   * `answerKeys` while something of the session must still be erased elsewhere, and then `1`.
   */
  erased: (sessionId: string): string => keyBeside(redisKeys.session(sessionId), 'erased'),
  /** String: the session is being loaded from MongoDB, by the load that has this random text. */
  loading: (sessionId: string): string => keyBeside(redisKeys.session(sessionId), 'loading'),
  /** Sorted set: a user's turns, JSON `[sessionId, requestId]`, by the time when they were asked, in ms. */
  history: (userId: string) => `chat:history:${userId}`,
  /**
   * Sorted set: the ids of a user's sessions, by the time of the latest question in ms. Some may be gone, not visible or
   * another user's: readers look at the session as well.
   */
  sessions: (userId: string): string => keyBeside(redisKeys.history(userId), 'sessions'),
  /** String: the user was erased, and can ask nothing any more. It never expires. */
  erasedUser: (userId: string): string => keyBeside(redisKeys.history(userId), 'erased'),
  /**
   * String, JSON: the ids of the question that had a user's Idempotency-Key, and the question's fingerprint; by the
   * key's hash.
   */
  idempotency: (userId: string, keyHash: string) => `chat:idempotency:${userId}:${keyHash}`,
  /** Sorted set: the hashes of a user's Idempotency-Keys, by when they expire, in ms. So an erasure finds them. */
  idempotencyKeys: (userId: string): string => keyBeside(redisKeys.history(userId), 'idempotency'),
  /**
   * String, JSON: `response`, `model`, `provider` and `finishReason` of the last answer that a worker gave in the
   * session. We write and erase it for other services, so its name must not change. We do not read it.
   * It is not written where texts are encrypted, unless PLAIN_TEXTS_FOR_OTHERS is set.
   */
  response: (sessionId: string) => `ai:response:${sessionId}`,
  /**
   * String: an answer as JSON, by the hash of everything that it depends on. Before there is an answer, it is a lease:
   * `?` and the id of the request that is asking the model, or `!` and that id if others wait. The first character of
   * the hash is the tag, so the answers are in 64 slots: enough to spread them over the nodes of a Redis Cluster, and so few
   * that answers which are read together often share one. (Twice that character spreads them more evenly than once.)
   */
  answer: (hash: string) => `{ai:answer:${hash.slice(0, 1).repeat(2)}}:${hash}`,
  /**
   * Sorted set: what the answer cache keeps of a user's answers, by when it is gone, in ms: hashes of answers, and `session:` and the
   * ids of sessions with a last answer.
   */
  answersOfUser: (userId: string) => `ai:answers-of:${userId}`,
  /**
   * Stream: a request's answer log. The id of each entry has the event's number, then the epoch of the attempt that wrote it
   * plus 1. The fields of the entries are described in append-events.lua.
   */
  answerLog: (requestId: string) => `{ai:log:${requestId}}`,
  /** Set: the ids of the requests that wait for the answer. */
  awaiting: (hash: string): string => `${redisKeys.answer(hash)}:awaiting`,
  /**
   * String: the user has cancelled the job's request. Whoever takes the job also reads this key, which is in the same
   * slot. The prefix is that of the job's shard.
   */
  cancelled: (prefix: string, jobId: string) => `${prefix}:${JOBS_QUEUE}:${jobId}:cancelled`,
  /**
   * Hash: no worker asks a provider's model for a while. `until` and `since`, in ms; `cause`; `key`, its fingerprint.
   */
  gate: (name: string) => `{ai:gate:${name}}`,
  /** String, a lease: the id of the one call that may try the model meanwhile. */
  probe: (name: string) => `{ai:gate:${name}}:probe`,
  /**
   * Hash: a run that retries all failed jobs of a cause. `state`, `code`, `by`, `startedAt` and `endedAt` in ms, `rate`,
   * `matching`, `retried`, `left`, `problem`; `paidUntil`, the time in ms up to which its rate is used up. Each shard of the
   * jobs has a part of the run, under its prefix, and so have the next three keys.
   */
  retryRun: (prefix: string, id: string) => `${prefix}:retry-run:${id}`,
  /** List: the jobs that a run has still to retry, `{ms when it failed} {job id}`, the oldest failure first. */
  retryRunJobs: (prefix: string, id: string) => `${prefix}:retry-run:${id}:jobs`,
  /** Hash: the ids of the runs that retry failed jobs at present, by the code of the failure. */
  runningRetryRuns: (prefix: string) => `${prefix}:running-retry-runs`,
  /** Sorted set: the ids of the latest such runs, ended ones too, by the time when they began in ms. */
  retryRuns: (prefix: string) => `${prefix}:retry-runs`,
  /** String: how often the user has called the endpoint in the minute that began with the first of these calls. */
  rate: (userId: string, endpoint: string) => `rate:${userId}:${endpoint}`,
  /** String, JSON: an account. */
  account: (userId: string) => `auth:user:${userId}`,
  /** String: the id of the user whose account has this email. */
  email: (email: string) => `auth:email:${email}`,
  /** Sorted set: all emails that have an account, each with the score 0, so that they are in order. */
  emails: () => 'auth:emails',
  /** String, empty, for a day: the set above has every email. */
  emailsFilled: () => 'auth:emails-filled',
  /** String, JSON: an invite that was not used yet, by its hash. */
  invite: (inviteHash: string) => `auth:invite:${inviteHash}`,
  /** String, JSON: somebody's wish for another password: `email`; `askedAt`, in ms; by the hash of the token in their mail. */
  resetWish: (tokenHash: string) => `auth:reset:${tokenHash}`,
  /** Hash: how often mails were asked for, by the email's hash: `count`; `latest`, in ms. */
  resetAsks: (emailHash: string) => `auth:reset-asks:${emailHash}`,
  /** String, JSON: the email that the link in a mail proves: `email`; `askedAt`, in ms; by the hash of its token. */
  emailProof: (tokenHash: string) => `auth:email-proof:${tokenHash}`,
  /** Sorted set: the keys of such wishes and proofs, by when they expire, in ms; by the hash of their email. So an erasure finds them. */
  mailedLinks: (emailHash: string) => `auth:mailed-links:${emailHash}`,
  /** Hash: how often such mails were asked for, by the email's hash: `count`; `latest`, in ms. */
  emailProofAsks: (emailHash: string) => `auth:email-proof-asks:${emailHash}`,
  /** String, JSON: a login at the identity provider that has not come back yet: `nonce`, `codeVerifier`, `page`, `view`; by a hash of its state. */
  signInAttempt: (stateHash: string) => `auth:sign-in:${stateHash}`,
  /** String, JSON: such a login whose tokens the chat page has not asked for yet: `userId`; by a hash of its code. */
  signedIn: (codeHash: string) => `auth:signed-in:${codeHash}`,
  /** String, JSON: a session of the admin's pages, by the hash of its id. */
  adminSession: (idHash: string) => `auth:admin-session:${idHash}`,
  /** String, empty: the user may read texts for a while, in an emergency. */
  textAccess: (userId: string) => `auth:text-access:${userId}`,
  /** String, JSON: whose ticket it is, by the ticket's hash. */
  ticket: (ticketHash: string) => `auth:ticket:${ticketHash}`,
  /** String, empty: a token that counts once and was used, by the hash of its id. */
  usedToken: (idHash: string) => `auth:used-token:${idHash}`,
  /** Hash: tries to log in that have failed, by a hash of the client's address and the email: `count`; `latest`, in ms. */
  loginTries: (keyHash: string) => `auth:login-tries:${keyHash}`,
  /** Sorted set: logins that have ended while their access tokens may be unexpired, by the time they ended, in ms. */
  endedLogins: () => 'auth:ended-logins',
  /**
   * String, JSON: a data key, wrapped by a master key; `destroyed` if there is none any more. `user:` and the userId are its
   * owner.
   */
  dataKey: (owner: string) => `keys:data:${owner}`,
  /** Hash: the master keys that may have wrapped data keys. JSON by id: a known value that the key has wrapped. */
  masterKeys: () => 'keys:master',
  /** String, JSON: an erasure, or the receipt of it. */
  erasure: (erasureId: string) => `chat:erasure:${erasureId}`,
  /** String, a lease: the process that works on the erasure. */
  erasureLease: (erasureId: string): string => keyBeside(redisKeys.erasure(erasureId), 'lease'),
  /** List, JSON: ids by which something of the erased data may be found. */
  erasureTraces: (erasureId: string): string => keyBeside(redisKeys.erasure(erasureId), 'traces'),
  /** String: the id of the latest erasure of the user. */
  erasureOf: (userId: string): string => keyBeside(redisKeys.history(userId), 'erasure'),
  /** String: the id of the erasure of a user's conversation, while it is under way. */
  erasureOfSession: (userId: string, sessionId: string) => `chat:erasure-of:${JSON.stringify([userId, sessionId])}`,
  /** Hash: a family of refresh tokens, one login. */
  refreshFamily: (familyId: string) => `auth:refresh:${familyId}`,
  /** Sorted set: the ids of a user's families of refresh tokens, by when they expire, in ms. Some may be gone. */
  refreshFamilies: (userId: string) => `auth:refresh-families:${userId}`,
};

/**
 * Stream: the audit trail. The id of each entry is its number and `-0`. Its fields are `hash` and `entry`, the entry as JSON.
 */
export const AUDIT_TRAIL_KEY = 'audit:trail';

/** String, JSON: the installation that owns this Redis: its namespace and RabbitMQ's virtual host. */
export const INSTALLATION_KEY = 'healify:installation';

/** String, `mongodb` or `redis`: where the data keys of users are. The first process writes it; one that would keep them elsewhere ends. */
export const KEYS_STORE_KEY = 'keys:store';

/**
 * String, empty: written before each wait for disks and replicas. Each server that takes writes needs one: the first, or in a
 * Redis Cluster the first whose slot it has.
 */
export const safeWritesKey = (number: number) => `{healify:safe-${number}}:writes`;

/** Sorted set: the open turns of all users, JSON `[sessionId, requestId, userId]`, by their deadline in ms. */
export const OPEN_TURNS_KEY = 'chat:open-turns';

/** Sorted set: turns with feedback, JSON `[sessionId, requestId, userId]`, by the time when it was given in ms. */
export const FEEDBACK_KEY = 'chat:feedback';

/**
 * String, JSON: the age of the open turn that must end first, as one api has seen it for the metrics of all. The lease of the
 * one that looks is beside it: `…:lease`.
 */
export const OLDEST_TURN_KEY = '{chat:oldest-turn}';

/** String, JSON: the queues and the jobs, as one process has seen them for the metrics of all; with a lease as above. */
export const QUEUES_SEEN_KEY = `${JOBS_PREFIX}:queues-seen`;

/** String, JSON: the dead letters by reason, as one api has seen them for the metrics of all; with a lease as above. */
export const LETTERS_SEEN_KEY = '{chat:letters-seen}';
/** String, JSON: the nodes of RabbitMQ's cluster, as one api has seen them for all; with a lease as above. */
export const BROKER_MEMBERS_SEEN_KEY = '{healify}:broker-members-seen';

/** Hash: what became of the sweeps, JSON by the name of the sweep. The lease of the api that sweeps is beside it: `…:lease`. */
export const SWEEPS_KEY = '{healify}:sweeps';

/**
 * Hash: how often texts were sent to a provider since that was last recorded in the audit trail, by JSON `[provider, region]`. The
 * counts that are being recorded are beside it, `…:taken`, with an `id`; and the lease of the api that does so: `…:lease`.
 */
export const SENT_TEXTS_KEY = '{healify}:sent-texts';

/** List: the depths of the last hour, the latest first: the number of the step of time, a space and JSON. */
export const DEPTHS_KEY = '{healify}:depths';

/** String, JSON: the failed jobs by cause, as one api has seen them for all; with a lease as above. */
export const FAILURES_SEEN_KEY = '{healify}:failures-seen';

/** String, JSON: an operator has paused the intake of all workers: `since`, ISO 8601, and `by` whom. */
export const INTAKE_PAUSE_KEY = '{healify}:intake-pause';

/** Sorted set: the sessions that are being erased, JSON `[sessionId, userId]`, by the time of the last try in ms. */
export const ERASURES_KEY = 'chat:erasures';

/** Sorted set: the ids of erasures that are not done, by when they were last saved, in ms. */
export const UNFINISHED_ERASURES_KEY = 'chat:unfinished-erasures';

// `channelOf` adds the installation and the database before the names of channels.

/** A process's notice to itself, which shows that it would hear others. Its own name follows. */
export const ECHO_CHANNEL = 'ai:echo';

/**
 * Pub/sub channel: `{replica} {requestId}`, the api process that has written an answer down, and the request that it
 * belongs to; `erased {requestId}` if the session was erased before there was an answer.
 */
export const SETTLED_CHANNEL = 'chat:settled';

/**
 * Pub/sub channel of a request's answer log; `:` and the requestId follow. The messages are events, JSON `[number, event,
 * number, event, …]`; or `erased`.
 */
export const ANSWER_LOG_CHANNEL = 'ai:log';

/** Pub/sub channel: `{shard} {requestId}`, a request whose work must stop, in whichever process has it. */
export const CANCEL_CHANNEL = 'chat:cancel';

/** Pub/sub channel: an operator has paused or resumed the intake. Workers look at `INTAKE_PAUSE_KEY`. */
export const INTAKE_CHANNEL = 'chat:intake';

/** Pub/sub channel: the id of a login that has ended. Its access tokens are refused. */
export const LOGIN_ENDED_CHANNEL = 'auth:login-ended';

/** Pub/sub channel: the owner of a data key that was destroyed. Processes forget it. */
export const KEY_DESTROYED_CHANNEL = 'keys:destroyed';

/**
 * Hash: the processes of this installation, by id: when each was last seen, in ms, and JSON with its role, version,
 * settings' fingerprint and start.
 */
export const PROCESSES_KEY = '{healify}:processes';

/**
 * Hash: the gates that workers have. JSON by name: provider and model, and when a worker was last seen with the gate.
 */
export const GATES_KEY = 'ai:gate-names';

/** Pub/sub channel: a gate has changed, JSON `[name, ms until one call may try the model or -1, cause, fingerprint of the key]`. */
export const GATE_CHANNEL = 'ai:gates';

/** String: how many answers were ever written down. */
export const SETTLED_COUNT_KEY = 'chat:settled-count';

/** Hash: model calls that may have been paid for without an answer, by reason. */
export const UNCERTAIN_SPEND_KEY = 'ai:uncertain-spend';
