import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { checks } from './check/checks.ts';
import { runChecks } from './check/run-checks.ts';
import { buildPages } from './web/build-pages.ts';

const HELP = `Runs the checks of "npm run check", then all tests against a real RabbitMQ and Redis.

  npm test                        everything
  npm test -- test/bridge         only these tests, without the checks; all arguments go to jest
  npm test -- --watch             the tests of what has changed since the last commit, again at each change;
                                  npm test -- --watch test/bridge: of those, only these

RabbitMQ and Redis start when a test first asks for one: tests that need none take a second. They stop at the end. In watch
mode they keep running between runs, and what a run has left in them is deleted.

TEST_SERVICES=containers|local    where RabbitMQ and Redis come from; unset: containers where a Docker engine is
                                  reachable and has the images, else installed on this machine (by apt if needed)
LOCAL_SERVERS=debian-13           RabbitMQ 4.0 and Redis 8.0, in a Debian 13, which the first run makes in .data, as root
LOCAL_SERVERS=debian-13-valkey    the same with Valkey 8.1

The last line is "N passed, N failed"; a check counts as one.
`;

const root = join(import.meta.dirname, '..');
const resultsFile = join(root, '.data', 'test-results.json');
const jestArgs = process.argv.slice(2);

if (jestArgs.includes('--help')) process.stdout.write(HELP);
else if (jestArgs.some((arg) => /^--watch(All)?$/.test(arg))) process.exitCode = (await runJest(jestArgs)) ? 0 : 1;
else await runOnce();

async function runOnce(): Promise<void> {
  let [passed, failed] = [0, 0];
  if (jestArgs.length === 0) {
    console.log('\n== checks');
    ({ passed, failed } = await runChecks(checks));
  }
  console.log('\n== tests');
  mkdirSync(join(root, '.data'), { recursive: true });
  rmSync(resultsFile, { force: true });
  const ok = await runJest(['--json', `--outputFile=${resultsFile}`, ...jestArgs]);
  const results = readResults();
  passed += results.passed;
  // A suite that could not be loaded has no failed test to count.
  failed += ok ? 0 : Math.max(1, results.failed);

  console.log(`\n${passed} passed, ${failed} failed`);
  process.exitCode = failed > 0 ? 1 : 0;
}

/** Whether all tests passed. */
async function runJest(args: readonly string[]): Promise<boolean> {
  await buildPages();
  const jest = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', 'node_modules/jest/bin/jest.js'];
  return spawnSync(process.execPath, [...jest, ...args], { cwd: root, stdio: 'inherit' }).status === 0;
}

function readResults(): { passed: number; failed: number } {
  try {
    const results = JSON.parse(readFileSync(resultsFile, 'utf8'));
    return { passed: results.numPassedTests, failed: results.numFailedTests + results.numRuntimeErrorTestSuites };
  } catch {
    return { passed: 0, failed: 0 };
  }
}
