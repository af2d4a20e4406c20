import { readLockFile } from '../supply-chain/lock-file.ts';
import { problemsOf } from '../supply-chain/problems.ts';

const HELP = `Says which packages of package-lock.json have no hash, or a licence that is not allowed. Exits with 1 if there are any.

  node tools/check/supply-chain.ts
`;

if (process.argv.includes('--help')) {
  process.stdout.write(HELP);
} else {
  for (const problem of problemsOf(readLockFile())) {
    console.log(problem);
    process.exitCode = 1;
  }
}
