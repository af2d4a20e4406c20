import { expect, test } from '@jest/globals';
import { jobIdOf } from '../../../src/adapters/jobs/chat-job.ts';

test('every requestId gives a job id that BullMQ takes, and no two the same', () => {
  const requestIds = ['42', 'a:b', 'a%3Ab', 'a b', 'r-1', 'ü', '…', 'a/b', '0', '-1'];
  const jobIds = requestIds.map(jobIdOf);
  for (const jobId of jobIds) expect(jobId).toMatch(/^r-[^:]+$/);
  expect(new Set(jobIds).size).toBe(requestIds.length);
});
