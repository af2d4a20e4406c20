import { expect, test } from '@jest/globals';
import type { WorkflowState } from '../../../src/adapters/jobs/chat-job.ts';
import { BrokerUnavailableError, UndeliverableReplyError } from '../../../src/contracts/errors.ts';
import { plainSeals } from '../../../src/contracts/sealing.ts';
import { deliverResponse } from '../../../src/workflows/chat/deliver-response.ts';
import { completed } from '../../../src/workflows/chat/terminal-response.ts';
import { createRun } from '../../../src/workflows/engine/run.ts';
import { answer, jobData } from '../stand-ins.ts';

const job = jobData({ tracestate: 'rojo=1', reply: { to: 'replies', correlationId: 'c' } });
const trace = { traceparent: job.traceparent, tracestate: 'rojo=1' };
const response = completed(job, { answer, modelMs: 5 }, { number: 1, startedAt: Date.now() });
const gone = new UndeliverableReplyError('reply_unroutable', 'not there');

async function deliver(error?: Error, earlier?: WorkflowState) {
  const published: unknown[][] = [];
  const kept: unknown[][] = [];
  const run = createRun({ attempt: 1, crashes: 0, earlier, save: async () => {}, onStep: () => {} });
  const delivery = {
    publish: async (...message: unknown[]) => {
      published.push(message);
      if (error) throw error;
    },
    keepReply: async (...message: unknown[]) => {
      kept.push(message);
    },
  };
  const result = await deliverResponse(delivery, job, { run, seals: plainSeals }, 'publish', response).catch(
    (thrown: unknown) => thrown,
  );
  return { result, published, kept, state: run.state };
}

test('a response goes where its request wants it', async () => {
  const { result, published, kept } = await deliver();
  expect(result).toBeUndefined();
  expect(published).toEqual([[response, trace, { seals: plainSeals, reply: job.reply }]]);
  expect(kept).toEqual([]);
});

test('a response that its reply queue does not take becomes one dead letter, however often it is tried', async () => {
  const first = await deliver(gone);
  expect(first.result).toBe(gone);
  expect(first.kept).toEqual([[response, trace, job.reply, gone]]);
  const second = await deliver(gone, first.state);
  expect(second.result).toBe(gone);
  expect(second.kept).toEqual([]);
});

test('a broker that is away leaves no dead letter: the response is published later', async () => {
  const away = new BrokerUnavailableError('gone');
  const { result, kept } = await deliver(away);
  expect(result).toBe(away);
  expect(kept).toEqual([]);
});
