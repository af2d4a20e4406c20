import { expect, jest, test } from '@jest/globals';
import type { HeadStart } from '../../../../src/adapters/jobs/job-in-hand.ts';
import type { NewJob } from '../../../../src/adapters/jobs/job-queue.ts';
import { createHeadStarts } from '../../../../src/adapters/jobs/runner/head-starts.ts';
import { newJob } from './new-job.ts';

const open = (inHand: string[] = []) => {
  const give = jest.fn((_job: NewJob): HeadStart => ({ drop: () => {} }));
  return { give, headStarts: createHeadStarts({ give, isInHand: (id) => inHand.includes(id) }) };
};
const jobs = ['a', 'b', 'c'].map(newJob);
const given = (headStarts: (HeadStart | undefined)[]) => headStarts.map((headStart) => headStart !== undefined);

test('each job gets a head start if there is room for all of them', () => {
  const { headStarts } = open();
  expect(given(headStarts.giveTo(jobs, 3))).toEqual([true, true, true]);
});

test('no job gets one if there is no room for all of them, because then Redis begins with none', () => {
  const { headStarts, give } = open();
  expect(headStarts.giveTo(jobs, 2)).toEqual([]);
  expect(give).not.toHaveBeenCalled();
});

test('a job that is in hand already gets none, and one that comes twice gets one', () => {
  const { headStarts } = open(['r-b']);
  expect(given(headStarts.giveTo([...jobs, newJob('a')], 4))).toEqual([true, false, true, false]);
});

test('head starts are withheld while jobs have to wait in line, and given again when they do not', () => {
  const { headStarts, give } = open();
  headStarts.learn(false);
  expect(headStarts.giveTo(jobs, 3)).toEqual([]);
  expect(give).not.toHaveBeenCalled();
  headStarts.learn(true);
  expect(given(headStarts.giveTo(jobs, 3))).toEqual([true, true, true]);
});
