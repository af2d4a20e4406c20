// Asks a question, and prints the answer while it is being written.
//
//   HEALIFY_EMAIL=you@example.com HEALIFY_PASSWORD=... node ask.js "What are healthy eating habits?"
//
// It needs Node 22.18 or later, which runs the client's TypeScript. HEALIFY_API is where the api is; http://localhost:3000 if
// not said.

import { createChatClient, isEnd, textAfter } from '../../src/client/chat-client.ts';
import { createLogin } from '../../src/client/login.ts';

const baseUrl = process.env.HEALIFY_API ?? 'http://localhost:3000';
const message = process.argv.slice(2).join(' ');
if (!message) {
  console.error('Usage: node ask.js "a question"');
  process.exit(1);
}

// Where the login is kept. A page would keep it in localStorage.
let kept;
const login = createLogin({
  baseUrl,
  storage: {
    read: () => kept,
    write: (next) => {
      kept = next;
    },
  },
});
await login.login(process.env.HEALIFY_EMAIL, process.env.HEALIFY_PASSWORD);
const client = createChatClient({ baseUrl, token: login.token });

const { requestId, sessionId } = await client.send({ message, stream: true });
let text = '';
for await (const { event } of client.events(requestId)) {
  const next = textAfter(text, event);
  if (event.type === 'restarted') process.stdout.write('\n(The answer begins again.)\n');
  else if (event.type === 'retrying') console.error(`An attempt has failed (${event.code}). Trying again.`);
  else process.stdout.write(next.slice(event.type === 'delta' ? event.offset : text.length));
  text = next;
  if (isEnd(event)) process.stdout.write('\n');
}
const { turns } = await client.session(sessionId);
console.error(`${turns.at(-1).status}, answered by ${turns.at(-1).model}`);
await login.logout();
