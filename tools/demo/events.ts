/** One thing that happens. Texts with a marker tell the simulator what to do: see `npm run simulator -- --help`. */
export type DemoEvent =
  | { kind: 'ask'; what: string; message: string; followUp?: boolean; twice?: boolean }
  | { kind: 'cancel'; message: string }
  /** Another service asks over RabbitMQ. */
  | { kind: 'service'; message: string; replyTo: 'own queue' | 'missing queue' | 'nowhere' }
  | { kind: 'garbage'; body: string };

const TOPICS = [
  'How much water should I drink a day?',
  'What are healthy eating habits?',
  'How can I sleep better?',
  'How much exercise do I need?',
  'What helps against a headache?',
  'How do I lower my blood pressure?',
  'Which vitamins do I need in winter?',
  'What can I do about back pain at work?',
  'How do I recognise dehydration?',
  'Is it healthy to fast?',
];

const BODIES = [
  '{ "message": "cut off in the mid',
  '<?xml version="1.0"?><question>Hello</question>',
  '{"sessionId":"s","message":"a question without a user"}',
  '{"sessionId":"s","userId":"u","message":"   "}',
  '{"version":7,"sessionId":"s","userId":"u","message":"from the future"}',
  '',
];

const REPLIES = ['own queue', 'own queue', 'missing queue', 'own queue', 'nowhere'] as const;

/** How often each kind happens, and how one of it is made. `n` makes texts differ. */
const KINDS: { weight: number; make: (n: number) => DemoEvent }[] = [
  { weight: 55, make: (n) => ({ kind: 'ask', what: 'plain', message: `${topic(n)} I am ${18 + (n % 70)}. (${n})` }) },
  { weight: 12, make: (n) => ({ kind: 'ask', what: 'follow-up', message: `And why is that? (${n})`, followUp: true }) },
  { weight: 14, make: (n) => ({ kind: 'ask', what: 'asked before', message: topic(n % 3) }) },
  { weight: 3, make: (n) => ({ kind: 'ask', what: 'asked twice', message: `${topic(n)} (${n})`, twice: true }) },
  { weight: 3, make: failing('retried', 'status=500 times=2') },
  { weight: 2, make: failing('retried', 'mode=cut times=1') },
  { weight: 2, make: failing('retried', 'mode=invalid_json times=1') },
  { weight: 1, make: failing('fails', 'mode=content_filter_rejected') },
  { weight: 1, make: failing('fails', 'mode=context_length_exceeded') },
  { weight: 1, make: failing('fails', 'status=400') },
  { weight: 3, make: failing('slow', 'latency=4s') },
  { weight: 1, make: (n) => ({ kind: 'cancel', message: `${topic(n)} (${n}) [[simulate latency=8s]]` }) },
  {
    weight: 2,
    make: (n) => ({ kind: 'service', message: `${topic(n)} (${n})`, replyTo: REPLIES[n % REPLIES.length]! }),
  },
  { weight: 1, make: (n) => ({ kind: 'garbage', body: BODIES[n % BODIES.length]! }) },
];

const TOTAL = KINDS.reduce((sum, { weight }) => sum + weight, 0);
/** Spreads the kinds evenly: steps of this size through TOTAL meet each place once before any twice. */
const STEP = 37;

/** Returns what happens as the n-th thing of the day, the same in each run. */
export function eventAt(n: number): DemoEvent {
  let place = (n * STEP) % TOTAL;
  for (const { weight, make } of KINDS) {
    if (place < weight) return make(n);
    place -= weight;
  }
  throw new Error('the weights do not add up');
}

const topic = (n: number) => TOPICS[n % TOPICS.length]!;

function failing(what: string, marker: string) {
  return (n: number): DemoEvent => ({ kind: 'ask', what, message: `${topic(n)} (${n}) [[simulate ${marker}]]` });
}
