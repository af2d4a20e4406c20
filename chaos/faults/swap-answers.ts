// Breaks apis and workers on purpose, to see the harness fail: now and then a question gets the answer to another one.
const EVERY = 10;

interface Response {
  version: number;
  requestId: string;
  status: string;
  response: string;
}

const isAnswer = (value: unknown): value is Response => {
  const { version, requestId, status, response } = (value ?? {}) as Partial<Response>;
  return version === 1 && typeof requestId === 'string' && status === 'completed' && typeof response === 'string';
};

const { stringify } = JSON;
let answers = 0;
let before: string | undefined;
// Every answer is written as JSON once, whichever client asked the model and whoever signs the message.
JSON.stringify = ((value: unknown, ...rest: []) => {
  if (!isAnswer(value)) return stringify(value, ...rest);
  answers += 1;
  const swapped = before !== undefined && answers % EVERY === 0 ? { ...value, response: before } : value;
  before = value.response;
  return stringify(swapped, ...rest);
}) as typeof JSON.stringify;
