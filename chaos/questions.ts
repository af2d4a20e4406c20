/** A question, and what is to become of it. */
export interface Question {
  /** Its Idempotency-Key. */
  key: string;
  userId: string;
  text: string;
  /** Its terminal state if nothing goes wrong but what the question itself asks for. */
  expected: 'completed' | 'failed';
  /** Model calls that it needs at most. */
  calls: number;
}

/** What the model does with a question, how often among a hundred, and what follows. */
const FAULTS: { share: number; marker: string; calls: number; expected?: 'failed' }[] = [
  { share: 62, marker: 'latency=50ms', calls: 1 },
  { share: 8, marker: 'latency=400ms', calls: 1 },
  { share: 4, marker: 'latency=2s', calls: 1 },
  { share: 5, marker: 'status=500 times=1', calls: 2 },
  { share: 3, marker: 'status=503 times=3', calls: 4 },
  { share: 2, marker: 'status=429 retry-after=1 times=1', calls: 2 },
  { share: 3, marker: 'mode=cut times=1', calls: 2 },
  { share: 2, marker: 'mode=hang times=1', calls: 2 },
  { share: 3, marker: 'mode=invalid_json times=1', calls: 2 },
  { share: 2, marker: 'mode=empty times=1', calls: 2 },
  { share: 2, marker: 'status=400', calls: 1, expected: 'failed' },
  { share: 2, marker: 'mode=content_filter', calls: 1, expected: 'failed' },
  { share: 2, marker: 'mode=context_length_exceeded', calls: 1, expected: 'failed' },
];
const USERS = 20;
/** Every so many questions are one that somebody else has asked before. */
const REPEATED_EVERY = 20;

/**
 * The questions of a run, the same for the same seed.
 * @param options.faults false: the model answers them as it answers all
 */
export function planQuestions(
  count: number,
  seed: number,
  random: () => number,
  options: { faults: boolean },
): Question[] {
  const questions: Question[] = [];
  for (let i = 0; i < count; i++) {
    const key = `chaos-${seed}-${i}`;
    const userId = `user-${Math.floor(random() * USERS)}`;
    const repeated = i % REPEATED_EVERY === REPEATED_EVERY - 1 ? questions[Math.floor(random() * i)] : undefined;
    if (repeated) {
      questions.push({ ...repeated, key, userId });
      continue;
    }
    const { marker, calls, expected = 'completed' } = pick(random() * 100);
    const text = `Question ${key}`;
    questions.push(
      options.faults
        ? { key, userId, text: `${text} [[simulate ${marker}]]`, expected, calls }
        : { key, userId, text, expected: 'completed', calls: 1 },
    );
  }
  return questions;
}

function pick(dice: number): (typeof FAULTS)[number] {
  let sum = 0;
  for (const fault of FAULTS) {
    sum += fault.share;
    if (dice < sum) return fault;
  }
  return FAULTS[0]!;
}
