import { jest } from '@jest/globals';
import type { JobWrites } from '../../../../src/adapters/jobs/runner/active-job.ts';

/** Writes that succeed at once, and can be looked at. */
export const jobWrites = () =>
  ({
    save: jest.fn(() => Promise.resolve()),
    complete: jest.fn(() => Promise.resolve()),
    retry: jest.fn(() => Promise.resolve('moved')),
    fail: jest.fn(() => Promise.resolve('moved')),
    delay: jest.fn(() => Promise.resolve('moved')),
    handBack: jest.fn(() => Promise.resolve('moved')),
  }) satisfies Record<keyof JobWrites, unknown> as unknown as jest.Mocked<JobWrites>;
