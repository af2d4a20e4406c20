import type { AddressInfo } from 'node:net';
import { parseArgs } from 'node:util';
import { createSimulator } from './server.ts';

const HELP = `The model simulator: an OpenAI-compatible HTTP API without a model. For trying out and for tests.

Usage: npm run simulator -- [--port N] [--host ADDRESS]

  --port N        default 0: any free port
  --host ADDRESS  default 127.0.0.1
  --help          this text

When it is ready it prints one line: simulator listening on http://ADDRESS:PORT/v1

  POST /v1/chat/completions   answers, also with "stream": true; the model is always "simulator"
  GET  /v1/models

A marker in the last user message decides what happens to that call:

  [[simulate status=500]]                  an HTTP error, 400 to 599
  [[simulate status=429 retry-after=3]]    with Retry-After in seconds; retry-after-date=3 for a date
  [[simulate latency=2s]]                  answers after a while (ms or s)
  [[simulate mode=hang times=2]]           only the first two calls with this very message

Modes: ok, echo (the answer is the question), error (with status), insufficient_quota, content_filter (no answer), content_filter_rejected (400),
context_length_exceeded (400), hang (never answers), cut (the connection breaks within the answer), invalid_json,
empty, model_not_found (404), overflow_in_other_words (400), unsupported_parameter (400 while the request has max_tokens).

Modes that shape the answer, as some providers do: length, finish_error, filter_cut, safety, parts, think, reasoning_only,
no_usage, large (3 MB), gzip, br, deflate, text_plain, no_content_type.

Words for streams, beside the others; a word of the answer counts as a token:

  [[simulate tokens-per-second=20 tokens=600]]  how fast, and how long the answer is
  [[simulate stall-at=5 stall=10s]]             pauses before the fifth token; comments: with a comment each second
  [[simulate break-at=5 break-by=reset]]        breaks off instead of the fifth token; end: without a finish reason;
                                                error: with an error in a chunk
  [[simulate stream-usage=none]]                no usage, though it was asked for; with-last-token: not in a chunk of its own
  [[simulate cut-bytes]]                        cuts chunks within a character

PUT /control/behavior decides what happens to all other calls, until the next PUT; every field may be left out:

  {"mode": "error", "status": 503, "retryAfterSeconds": 2, "retryAfterFormat": "seconds" or "http-date",
   "probability": 0.3, "calls": 10, "seed": 1, "latencyMs": 200 or {"median": 800, "sigma": 0.6}}

  Or a whole reply: {"mode": "scripted", "reply": {"status": 500, "headers": {"retry-after": ["1", "2"]},
  "body": any JSON or text, "encoding": "gzip", "br" or "deflate"}}

  Or other words than those of a simulated answer, such as Markdown: {"answer": "**Yes.**"}

  Streams: {"stream": {"tokensPerSecond": 20, "tokens": 600, "stallAt": 5, "stallMs": 10000, "breakAt": 5,
  "breakBy": "reset", "end" or "error", "comments": true, "usage": "none" or "with-last-token", "cutBytes": true,
  "times": true}}    each token is the time when it is written, in µs of the machine's monotonic clock

  "calls" limits the mode to this many calls; the same "seed" gives the same choices again; the latency is fixed or log-normal.

GET /control/behavior shows it, GET /control/stats counts calls, GET /control/calls lists the latest, oldest first,
DELETE /control/stats counts from zero.
`;

function readArguments() {
  try {
    const { values } = parseArgs({
      options: {
        port: { type: 'string', default: '0' },
        host: { type: 'string', default: '127.0.0.1' },
        help: { type: 'boolean', default: false },
      },
    });
    const port = Number(values.port);
    if (!/^\d+$/.test(values.port) || port > 65_535) throw new Error('--port must be a number from 0 to 65535');
    return { ...values, port };
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\nSee --help.\n`);
    process.exit(2);
  }
}

const { port, host, help } = readArguments();
if (help) {
  process.stdout.write(HELP);
} else {
  const server = createSimulator();
  server.on('error', (error) => {
    process.stderr.write(`simulator: ${error.message}\n`);
    process.exit(1);
  });
  server.listen(port, host, () => {
    const { address, family, port: actual } = server.address() as AddressInfo;
    const name = family === 'IPv6' ? `[${address}]` : address;
    process.stdout.write(`simulator listening on http://${name}:${actual}/v1\n`);
  });
  const stop = () => {
    server.close(() => process.exit(0));
    server.closeAllConnections();
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
}
