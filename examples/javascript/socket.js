// Asks questions over one WebSocket, and prints each answer when it is complete. It uses no library.
//
//   HEALIFY_EMAIL=you@example.com HEALIFY_PASSWORD=... node socket.js "What is sleep good for?" "And water?"
//
// It needs Node 22 or later. HEALIFY_API is where the api is; http://localhost:3000 if not said. docs/protocol.md has all
// messages.

const baseUrl = process.env.HEALIFY_API ?? 'http://localhost:3000';
const { HEALIFY_EMAIL: email, HEALIFY_PASSWORD: password } = process.env;
const questions = process.argv.slice(2).map((message) => ({
  message,
  idempotencyKey: crypto.randomUUID(),
  requestId: undefined,
  number: -1,
  text: '',
  done: false,
}));
if (questions.length === 0) {
  console.error('Usage: node socket.js "a question" "another one"');
  process.exit(1);
}

const login = await fetch(`${baseUrl}/auth/login`, {
  method: 'POST',
  headers: { 'Content-Type': 'application/json' },
  body: JSON.stringify({ email, password }),
});
const { accessToken, detail } = await login.json();
if (!login.ok) throw new Error(detail);

// What an event does to the text; see "The text" in docs/protocol.md.
function textAfter(text, event) {
  if (event.type === 'delta') return text.slice(0, event.offset) + event.text;
  if (event.type === 'completed' || event.type === 'cancelled') return text.slice(0, event.offset) + event.rest;
  return event.type === 'restarted' || event.type === 'failed' ? '' : text;
}

function take(message) {
  const question = questions[message.id];
  if (message.type === 'accepted') question.requestId = message.requestId;
  else if (message.type === 'event') {
    question.number = message.number ?? question.number;
    question.text = textAfter(question.text, message.event);
    if (message.event.type === 'failed') question.text = `(no answer: ${message.event.error.message})`;
  } else if (message.type === 'cut_off' && message.reason === 'log_lost') {
    question.number = -1;
    question.text = '';
  } else if (message.type === 'ended') {
    question.done = message.complete;
    if (question.done) console.log(`${question.message}\n  ${question.text}`);
  } else if (message.type === 'problem') {
    console.error(`${message.problem.code}: ${message.problem.detail}`);
    if (question) question.done = true;
  }
}

/** Resolves with the close code. Answers that are not complete are asked for again over the next connection. */
function connect() {
  return new Promise((resolve) => {
    const socket = new WebSocket(`${baseUrl.replace(/^http/, 'ws')}/chat/ws`);
    const send = (message) => socket.send(JSON.stringify(message));
    socket.onopen = () => {
      send({ type: 'authenticate', token: accessToken });
      for (const [n, { message, idempotencyKey, requestId, number, done }] of questions.entries()) {
        const id = String(n);
        if (done) continue;
        if (requestId) send({ type: 'subscribe', id, requestId, after: number });
        else send({ type: 'ask', id, question: { message }, idempotencyKey });
      }
    };
    socket.onmessage = ({ data }) => {
      take(JSON.parse(data));
      if (questions.every(({ done }) => done)) socket.close();
    };
    socket.onclose = ({ code }) => resolve(code);
  });
}

for (let failures = 0; questions.some(({ done }) => !done); failures += 1) {
  const code = await connect();
  if (code === 4001 || code === 4003) throw new Error('Log in again.');
  if (questions.every(({ done }) => done)) break;
  await new Promise((resolve) => setTimeout(resolve, Math.min(10_000, 250 * 2 ** failures)));
}
