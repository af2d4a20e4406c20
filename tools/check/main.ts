import { type Check, checks } from './checks.ts';
import { runChecks } from './run-checks.ts';

const HELP = `Runs the checks that need no server, side by side. \`npm test\` runs them too, before the tests.

  npm run check                    all of them
  npm run check -- lint folders    only these

${checks.map(({ name, finds }) => `${name.padEnd(15)}${finds}`).join('\n')}

The last line is "N passed, N failed". The exit code is 1 if any has failed.
`;

const names = process.argv.slice(2);
if (names.includes('--help') || names.includes('-h')) {
  process.stdout.write(HELP);
} else {
  const { passed, failed } = await runChecks(names.length > 0 ? names.map(checkNamed) : checks);
  console.log(`\n${passed} passed, ${failed} failed`);
  process.exitCode = failed > 0 ? 1 : 0;
}

function checkNamed(name: string): Check {
  const found = checks.find((check) => check.name === name);
  if (found) return found;
  console.error(`There is no check "${name}". npm run check -- --help lists them.`);
  process.exit(2);
}
