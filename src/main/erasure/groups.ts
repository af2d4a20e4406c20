import { completeGroups, type DataGroup } from '../../api/erasure/data-group.ts';
import { accountsGroup } from './groups/accounts.ts';
import { answersGroup } from './groups/answers.ts';
import { conversationsGroup } from './groups/conversations.ts';
import { jobsGroup } from './groups/jobs.ts';
import { lettersGroup } from './groups/letters.ts';
import { scannedGroup } from './groups/scanned.ts';

type GroupOptions = Parameters<typeof accountsGroup>[0] &
  Parameters<typeof conversationsGroup>[0] &
  Parameters<typeof jobsGroup>[0] &
  Parameters<typeof answersGroup>[0] &
  Parameters<typeof scannedGroup>[0] &
  Parameters<typeof lettersGroup>[0];

/** Says how each kind of data is counted, erased and exported, in the order in which they are erased. */
export const createDataGroups = (options: GroupOptions): readonly DataGroup[] =>
  completeGroups([
    accountsGroup(options),
    conversationsGroup(options),
    jobsGroup(options),
    answersGroup(options),
    scannedGroup(options),
    lettersGroup(options),
  ]);
