import type { FeedbackReason } from '../../contracts/feedback.ts';

/** Why there is another attempt, for users. Codes that are not here have nothing to do with them. */
const reasons: Readonly<Record<string, string>> = {
  model_rate_limited: 'the assistant has too much to do',
  model_unavailable: 'the assistant cannot be reached',
  model_timeout: 'the assistant took too long',
  model_empty_answer: 'the assistant gave no answer',
  worker_crashed: 'a part of our service has failed',
};

export const retryReason = (code: string) => reasons[code] ?? 'something on our side failed';

export const feedbackReasons: Readonly<Record<'up' | 'down', readonly FeedbackReason[]>> = {
  up: ['helpful', 'clear', 'other'],
  down: ['incorrect', 'harmful', 'incomplete', 'unclear', 'off_topic', 'too_long', 'too_slow', 'other'],
};

export const feedbackWords: Readonly<Record<FeedbackReason, string>> = {
  helpful: 'It helped',
  clear: 'It is clear',
  incorrect: 'It says what is not so',
  harmful: 'It could harm somebody',
  incomplete: 'Something is missing',
  unclear: 'It is hard to understand',
  off_topic: 'It answers something else',
  too_long: 'It is too long',
  too_slow: 'It took too long',
  other: 'Something else',
};

/** `a few seconds`, `about 20 seconds`, `about 3 minutes` */
export function roughly(ms: number): string {
  const seconds = Math.ceil(ms / 1_000);
  if (seconds <= 5) return 'a few seconds';
  if (seconds < 90) return `about ${Math.ceil(seconds / 5) * 5} seconds`;
  return `about ${Math.ceil(seconds / 60)} minutes`;
}
