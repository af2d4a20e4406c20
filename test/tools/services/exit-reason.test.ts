import { expect, test } from '@jest/globals';
import { exitReason } from '../../../tools/services/exit-reason.ts';

test.each([
  [0, 'exit code 0: somebody told it to stop'],
  [1, 'exit code 1: it failed with an error'],
  [127, 'exit code 127: the program could not be run'],
  [134, 'exit code 134 (SIGABRT): it aborted itself, as Node does when its own memory is full'],
  [137, 'exit code 137 (SIGKILL): it was killed from outside'],
  [143, 'exit code 143 (SIGTERM): somebody told it to stop'],
  [250, 'exit code 250: it failed with an error'],
  [undefined, 'its exit code is not known'],
])('an exit code of %s is explained', (exitCode, words) => {
  expect(exitReason(exitCode)).toContain(words);
});
