import type { Gate } from '../../contracts/gates.ts';
import type { JobStatus } from '../../contracts/jobs.ts';
import type { Tone } from '../components/tone.ts';

/** Why questions fail: what it means, and what to do before a retry. */
const failures: Record<string, { means: string; todo: string }> = {
  model_rate_limited: {
    means: 'The provider says we ask too often',
    todo: 'Wait, or raise the limit with the provider. Then retry at a low rate.',
  },
  model_unavailable: {
    means: 'The provider answers with errors',
    todo: 'Wait until its gate is open again, then retry.',
  },
  model_timeout: {
    means: 'The model took too long',
    todo: 'See whether the provider is slow, or raise MODEL_TIMEOUT. Then retry.',
  },
  model_unreachable: {
    means: 'The provider cannot be reached',
    todo: 'Check the network and OPENAI_BASE_URL, then retry.',
  },
  model_rejected: {
    means: 'The provider refused these questions',
    todo: 'Open one: its story says why. A retry helps only if a setting was wrong.',
  },
  model_provider_broken: {
    means: 'The provider refuses everybody: key, model or address is wrong',
    todo: 'Correct the setting and restart the workers, then retry.',
  },
  model_quota_exhausted: { means: 'Our quota or credit is used up', todo: 'Pay, open the gate, then retry.' },
  model_content_filtered: {
    means: 'The provider filters these questions for their content',
    todo: 'A retry does not help.',
  },
  model_context_too_long: {
    means: 'The conversations are too long for the model',
    todo: 'A retry does not help. CONTEXT_MAX_TOKENS limits them.',
  },
  model_empty_answer: { means: 'The model gave no answer', todo: 'Retry.' },
  model_not_allowed: {
    means: 'The question asked for a model that is not allowed',
    todo: 'Set ALLOWED_MODELS, then retry.',
  },
  deadline_exceeded: { means: 'Nobody waited any longer', todo: 'Find out what was slow. A retry answers them late.' },
  spend_uncertain: {
    means: 'A call may have been paid for, and its answer was lost',
    todo: 'A retry asks, and pays, again.',
  },
  worker_crashed: { means: 'Workers died over these questions', todo: 'Report it. Retry once it is mended.' },
  internal_error: { means: 'A fault of ours', todo: 'The log names the cause. Retry once it is mended.' },
  reply_unroutable: {
    means: 'The reply queue of the asking service is gone',
    todo: 'Bring the queue back, then retry.',
  },
  reply_refused: {
    means: 'The reply queue of the asking service refuses the answer',
    todo: 'Look why it does, then retry.',
  },
};

export const failureCodes = Object.keys(failures);

export const failureWords = (code: string) =>
  failures[code] ?? { means: 'A failure', todo: 'Open one: its story says more.' };

const mendPublisher = 'Correct the publisher, then drop the letters.';
/** Why messages are dead letters: what it means, and what to do. */
const deadLetters: Record<string, { means: string; todo: string; usersWait?: boolean }> = {
  empty: { means: 'The body is empty', todo: mendPublisher },
  too_large: { means: 'The body is too large', todo: mendPublisher },
  unsupported_encoding: { means: 'The body has an unknown encoding', todo: mendPublisher },
  unsupported_amqp_body: { means: 'The body is of an unknown AMQP 1.0 kind', todo: mendPublisher },
  not_utf8: { means: 'The body is not UTF-8', todo: mendPublisher },
  not_json: { means: 'The body is not JSON', todo: mendPublisher },
  unsupported_version: { means: 'The message has an unknown version', todo: mendPublisher },
  newer_version: {
    means: 'Only a newer version of healify-chat can read it',
    todo: 'Upgrade the processes that read the queue, then redrive.',
    usersWait: true,
  },
  invalid_message: { means: 'Fields are missing or wrong', todo: mendPublisher },
  invalid_reply_to: {
    means: 'It names a reply queue that is not allowed',
    todo: 'Correct the publisher, or REPLY_QUEUES and redrive.',
  },
  cannot_be_opened: {
    means: 'Its texts cannot be decrypted',
    todo: 'If its user was erased, drop it. If not, see whether all processes have the same MONGODB_URL, then redrive.',
  },
  publisher_not_allowed: {
    means: 'Its publisher may not ask for its user',
    todo: 'If it may, add it to PUBLISHERS, then redrive. If not, somebody asks in the name of others: Look shows who, then drop.',
  },
  invalid_signature: {
    means: 'The answer has no valid signature',
    todo: 'If a worker has another MESSAGE_SIGNING_KEY, accept it and redrive. If not, somebody tries to write answers: check the rights.',
    usersWait: true,
  },
  unknown_session: {
    means: 'The answer belongs to no question here',
    todo: 'Somebody asks without reply_to. Tell them, then drop.',
  },
  reply_unroutable: { means: 'The reply queue is gone', todo: 'Bring the queue back, then redrive.' },
  reply_refused: { means: 'The reply queue refuses the answer', todo: 'Look why it does, then redrive.' },
  handler_failed: {
    means: 'It failed again and again while others went through',
    todo: 'Report it. Redrive once it is mended.',
    usersWait: true,
  },
  unread: { means: 'There are too many to read them all', todo: 'Look at them to see their reasons.' },
  delivery_limit: {
    means: 'Its consumers died 50 times',
    todo: 'Find out why they died, then redrive.',
    usersWait: true,
  },
};

export const deadLetterWords = (reason: string) =>
  deadLetters[reason] ?? { means: 'A message that could not be processed', todo: 'Look at it.' };

/** Why a provider is not asked: what it means, and what to do. */
const gateCauses: Record<NonNullable<Gate['cause']>, { means: string; todo: string }> = {
  failures: { means: 'Too many calls failed', todo: 'It is tried again by itself.' },
  'retry-after': { means: 'The provider asked for a pause', todo: 'It is tried again by itself.' },
  operator: { means: 'An operator has shut it', todo: 'Press Open when it may be asked again.' },
  key: {
    means: 'The provider refuses our key',
    todo: 'Set a good key (OPENAI_API_KEY, or the variable of the fallback) and restart the workers. Then retry what has failed.',
  },
  'no-region': {
    means: 'Texts may not go to its region',
    todo: 'It is never asked. If it may be, change TEXT_REGIONS, or its region in the settings of the workers.',
  },
  'no-agreement': {
    means: 'There is no agreement with it about texts',
    todo: 'It is never asked. If there is one, name it in the settings of the workers.',
  },
  quota: { means: 'Our quota or credit is used up', todo: 'Pay, then press Open. Then retry what has failed.' },
  model: {
    means: 'There is no such model, or nothing at its address',
    todo: 'Correct CHAT_MODEL or OPENAI_BASE_URL and restart the workers. Then retry what has failed.',
  },
};

export const gateWords = (cause: Gate['cause']) =>
  cause ? gateCauses[cause] : { means: 'It is not asked at present', todo: 'It is tried again by itself.' };

/** Whether the settings say that texts may not go there, so that nobody waits for it. */
export const isRefused = (cause: Gate['cause']) => cause === 'no-region' || cause === 'no-agreement';

/** Whether the provider is broken for everybody. */
export const isBroken = (cause: Gate['cause']) => cause === 'key' || cause === 'quota' || cause === 'model';

/** Whether waiting will not help. */
export const needsSomebody = (cause: Gate['cause']) => isBroken(cause) || cause === 'operator';

/** How a job stands. */
export const statusWords: Record<JobStatus, { tone: Tone; words: string }> = {
  waiting: { tone: 'quiet', words: 'In line' },
  delayed: { tone: 'warn', words: 'Between attempts' },
  active: { tone: 'busy', words: 'In work' },
  completed: { tone: 'good', words: 'Answered' },
  cancelled: { tone: 'quiet', words: 'Cancelled' },
  failed: { tone: 'bad', words: 'Failed' },
};
