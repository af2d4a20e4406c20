import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { checks } from '../check/checks.ts';
import { runChecks } from '../check/run-checks.ts';
import { buildPages } from '../web/build-pages.ts';
import { type Counts, count, countBoth, filesToRunAgain, type Results, readResults, unstableTests } from './results.ts';

const HELP = `Runs the checks of "npm run check", then all tests against a real RabbitMQ and Redis.

  npm test                        everything
  npm test -- test/bridge         only these tests, without the checks; all arguments go to jest
  npm test -- --watch             the tests of what has changed since the last commit, again at each change;
                                  npm test -- --watch test/bridge: of those, only these

A file that fails beside others runs once more, alone: on a machine with few cores, others may have taken the time that it
needed. The second run decides, and the run names the tests that it has saved. They deserve a look.

RabbitMQ and Redis start when a test first asks for one: tests that need none take a second. They stop at the end. In watch
mode they keep running between runs, and what a run has left in them is deleted.

TEST_SERVICES=containers|local    where RabbitMQ and Redis come from; unset: containers where a Docker engine is
                                  reachable and has the images, else installed on this machine (by apt if needed)
LOCAL_SERVERS=debian-13           RabbitMQ 4.0 and Redis 8.0, in a Debian 13, which the first run makes in .data, as root
LOCAL_SERVERS=debian-13-valkey    the same with Valkey 8.1

The last line is "N passed, N failed"; a check counts as one.
`;

const root = join(import.meta.dirname, '../..');
const resultsFile = join(root, '.data', 'test-results.json');
const jestArgs = process.argv.slice(2);

if (jestArgs.includes('--help')) process.stdout.write(HELP);
else if (jestArgs.some((arg) => /^--watch(All)?$/.test(arg))) process.exitCode = (await runJest(jestArgs)) ? 0 : 1;
else await runOnce();

async function runOnce(): Promise<void> {
  const checked = { passed: 0, failed: 0 };
  if (jestArgs.length === 0) {
    console.log('\n== checks');
    Object.assign(checked, await runChecks(checks));
  }
  console.log('\n== tests');
  const tested = await runTests();
  console.log(`\n${checked.passed + tested.passed} passed, ${checked.failed + tested.failed} failed`);
  process.exitCode = checked.failed + tested.failed > 0 ? 1 : 0;
}

async function runTests(): Promise<Counts> {
  const first = await runWithResults(jestArgs);
  const again = filesToRunAgain(first);
  if (again.length === 0) return count(first);

  console.log(`\n== again, alone\n${again.map((file) => relative(root, file)).join('\n')}`);
  const second = await runWithResults(['--maxWorkers=1', '--runTestsByPath', ...again]);
  const unstable = unstableTests(first, second);
  if (unstable.length > 0)
    console.log(`\nPassed only alone:\n${unstable.map((test) => relative(root, test)).join('\n')}`);
  return countBoth(first, second);
}

async function runWithResults(args: readonly string[]): Promise<Results> {
  mkdirSync(join(root, '.data'), { recursive: true });
  rmSync(resultsFile, { force: true });
  const ok = await runJest(['--json', `--outputFile=${resultsFile}`, ...args]);
  return { ...readResults(resultsFile), ok };
}

/** Whether all tests passed. */
async function runJest(args: readonly string[]): Promise<boolean> {
  await buildPages();
  const jest = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', 'node_modules/jest/bin/jest.js'];
  return spawnSync(process.execPath, [...jest, ...args], { cwd: root, stdio: 'inherit' }).status === 0;
}
