import { spawnSync } from 'node:child_process';
import { existsSync, globSync } from 'node:fs';
import { join } from 'node:path';

const HELP = `Checks dashboards/*.json with Grafana's dashboard-linter. Where it is missing and there is Go, it is installed into .data
first, which takes minutes. What it must not complain about is in dashboards/.lint, with the reason.

  node tools/check/dashboards.ts
`;

const root = join(import.meta.dirname, '../..');
const BIN = join(root, '.data/go/bin');
const MODULE = 'github.com/grafana/dashboard-linter@latest';
const INSTALL_TIMEOUT_MS = 600_000;

if (process.argv.includes('--help')) {
  process.stdout.write(HELP);
} else {
  const linter = findLinter() ?? installLinter();
  if (linter) lint(linter);
  else
    console.warn(
      "left out: Grafana's dashboard-linter. It is not installed, and cannot be installed with Go. test/dashboards has its rules.",
    );
}

function findLinter(): string | undefined {
  const places = ['dashboard-linter', join(BIN, 'dashboard-linter')];
  return places.find((command) => spawnSync(command, ['--help']).status === 0);
}

function installLinter(): string | undefined {
  spawnSync('go', ['install', MODULE], { env: { ...process.env, GOBIN: BIN }, timeout: INSTALL_TIMEOUT_MS });
  return existsSync(BIN) ? findLinter() : undefined;
}

function lint(linter: string): void {
  for (const file of globSync('dashboards/*.json', { cwd: root }).sort()) {
    const { status, stdout, stderr } = spawnSync(linter, ['lint', '--strict', file], { cwd: root, encoding: 'utf8' });
    if (status === 0) continue;
    console.error(`${file}\n${stdout}${stderr}`);
    process.exitCode = 1;
  }
}
