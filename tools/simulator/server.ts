import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { z } from 'zod';
import { answerTo, type CompletionRequest, completionRequest, questionOf } from './answer.ts';
import { behavior, createPlanner, type Plan } from './behavior.ts';
import { createLedger } from './ledger.ts';
import { BadMarker, createMarkers } from './marker.ts';
import { MODEL, sendCompletion, sendError, sendFault, sendJson } from './reply.ts';
import { streamCompletion } from './stream.ts';

const MAX_BODY_BYTES = 16 * 1024 * 1024;
/** Longer than clients keep a connection, so that none is closed under a request. */
const KEEP_ALIVE_MS = 75_000;

/** An HTTP server that speaks the OpenAI chat completions API without a model. It also has `/control`. */
export function createSimulator(): Server {
  const ledger = createLedger();
  const markers = createMarkers();
  let planner = createPlanner(behavior.parse({}));
  let serial = 0;

  function complete(request: CompletionRequest, response: ServerResponse): void {
    const question = questionOf(request);
    const call = ledger.start(question);
    serial += 1;
    const callSerial = serial;
    let cut = false;
    let timer: NodeJS.Timeout | undefined;
    response.on('close', () => {
      clearTimeout(timer);
      const gone = !response.writableFinished && !cut;
      ledger.end(call, response.headersSent ? response.statusCode : null, gone);
    });

    let plan: Plan;
    try {
      plan = markers.planFor(question.text) ?? planner.next();
    } catch (error) {
      if (!(error instanceof BadMarker)) throw error;
      sendError(response, 400, error.message, 'unknown_simulate_marker');
      return;
    }
    const { fault } = plan;
    // A stream begins after half of its latency, and takes the other half to arrive.
    const spreadMs = request.stream ? plan.latencyMs / 2 : 0;
    const reply = () => {
      cut = fault.mode === 'cut' || fault.stream?.breakAt !== undefined;
      if (sendFault(response, fault, question.text, request)) return;
      const answer = answerTo(request, question, fault.mode === 'echo');
      if (!request.stream) sendCompletion(response, fault, answer, callSerial);
      else {
        const includeUsage = request.stream_options?.include_usage === true;
        streamCompletion(response, fault, answer, { serial: callSerial, includeUsage, spreadMs });
      }
    };
    const waitMs = plan.latencyMs - spreadMs;
    if (waitMs === 0) reply();
    else timer = setTimeout(reply, waitMs);
  }

  const routes: Record<string, (body: Buffer, response: ServerResponse) => void> = {
    'POST /chat/completions': (body, response) => {
      const request = completionRequest.safeParse(jsonOf(body));
      if (request.success) complete(request.data, response);
      else sendError(response, 400, z.prettifyError(request.error));
    },
    'GET /models': (_, response) => {
      const model = { id: MODEL, object: 'model', created: 0, owned_by: 'healify-chat' };
      sendJson(response, 200, { object: 'list', data: [model] });
    },
    'PUT /control/behavior': (body, response) => {
      const given = behavior.safeParse(jsonOf(body));
      if (given.success) {
        planner = createPlanner(given.data);
        sendJson(response, 200, planner.behavior);
      } else sendError(response, 400, z.prettifyError(given.error));
    },
    'GET /control/behavior': (_, response) => sendJson(response, 200, planner.behavior),
    'GET /control/stats': (_, response) => sendJson(response, 200, ledger.stats()),
    'GET /control/calls': (_, response) => sendJson(response, 200, { calls: ledger.calls() }),
    'DELETE /control/stats': (_, response) => {
      ledger.reset();
      markers.reset();
      response.writeHead(204).end();
    },
  };

  return createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) => {
    readBody(request, (body) => {
      if (!body) {
        response.setHeader('connection', 'close');
        sendError(response, 413, `the body has more than ${MAX_BODY_BYTES} bytes`);
        return;
      }
      // Some clients have the version in their base URL, and others do not.
      const path = (request.url ?? '/').replace(/\?.*$/s, '').replace(/^\/v1(?=\/)/, '');
      const handle = routes[`${request.method} ${path}`];
      if (handle) handle(body, response);
      else sendError(response, 404, `there is no ${request.method} ${path}`, 'not_found');
    });
  });
}

/** @param done gets undefined once for a body that is too large */
function readBody(request: IncomingMessage, done: (body: Buffer | undefined) => void): void {
  const chunks: Buffer[] = [];
  let bytes = 0;
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes <= MAX_BODY_BYTES) chunks.push(chunk);
    else if (bytes - chunk.length <= MAX_BODY_BYTES) done(undefined);
  });
  request.on('end', () => {
    if (bytes <= MAX_BODY_BYTES) done(Buffer.concat(chunks));
  });
  // If the client closes the connection before its request is complete, there is nothing to answer.
  request.on('error', () => {});
}

function jsonOf(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
}
