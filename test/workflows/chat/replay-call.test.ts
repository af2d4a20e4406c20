import { expect, test } from '@jest/globals';
import type { RecordedCall } from '../../../src/adapters/answers/recorded-calls.ts';
import type { PartialUsage } from '../../../src/contracts/chat-response.ts';
import { RequestCancelledError } from '../../../src/contracts/errors.ts';
import { recordCall } from '../../../src/workflows/chat/record-call.ts';
import { replayCall } from '../../../src/workflows/chat/replay-call.ts';
import { answer } from '../stand-ins.ts';

const response = 'Eat greens. 🥦';
const call: RecordedCall = {
  answer: { ...answer, response },
  modelMs: 300,
  pieces: [
    [100, 4],
    [100, 8],
    [200, 2],
  ],
};

function listen() {
  const startedAt = performance.now();
  const told: { ms: number; what: unknown }[] = [];
  const tell = (what: unknown) => void told.push({ ms: performance.now() - startedAt, what });
  return { told, progress: { begun: tell, text: tell } };
}

test('a call stands in for another with the same pieces of text, none of them earlier, and ends no earlier', async () => {
  const startedAt = performance.now();
  const { told, progress } = listen();
  expect(await replayCall(call, new AbortController().signal, { progress })).toEqual({ ...answer, response });
  expect(performance.now() - startedAt).toBeGreaterThanOrEqual(299);
  expect(told.map(({ what }) => what)).toEqual([expect.objectContaining({ model: 'm' }), 'Eat ', 'greens. ', '🥦']);
  for (const [index, earliest] of [100, 100, 100, 200].entries()) {
    expect(told[index]!.ms).toBeGreaterThanOrEqual(earliest - 1);
  }
});

test('it is recorded as it was told, so it can stand in again', async () => {
  const { progress } = listen();
  const recorder = recordCall(progress);
  await replayCall(call, new AbortController().signal, { progress: recorder.progress });
  const pieces = recorder.pieces();
  expect(pieces.map(([, chars]) => chars)).toEqual([4, 8, 2]);
  for (const [index, [ms]] of pieces.entries()) expect(ms).toBeGreaterThanOrEqual(call.pieces[index]![0] - 1);
});

test('what a call wrote before another took over is not part of it', () => {
  const recorder = recordCall(listen().progress);
  recorder.progress!.begun(answer);
  recorder.progress!.text('void');
  recorder.progress!.begun(answer);
  recorder.progress!.text('valid');
  expect(recorder.pieces().map(([, chars]) => chars)).toEqual([5]);
});

test('a call that is aborted tells what it has written, as the model’s does', async () => {
  const controller = new AbortController();
  const lost: PartialUsage[] = [];
  const { progress } = listen();
  const stopping = {
    ...progress,
    text: (piece: string) => piece === 'greens. ' && controller.abort(new RequestCancelledError()),
  };
  const replay = replayCall(call, controller.signal, {
    progress: stopping as typeof progress,
    onLost: (usage) => lost.push(usage),
  });
  await expect(replay).rejects.toBeInstanceOf(RequestCancelledError);
  expect(lost).toEqual([{ completionTokens: 3, estimated: true }]);
});
