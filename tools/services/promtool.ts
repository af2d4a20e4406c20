import { spawnSync } from 'node:child_process';
import { aptInstall, canInstall } from './apt.ts';

const isInstalled = () => spawnSync('promtool', ['--version']).status === 0;

/**
 * Makes sure that there is Prometheus's checker of metrics and rules. If need be, Debian's package is installed, without
 * starting the server.
 * @returns whether there is one
 */
export function hasPromtool(): boolean {
  if (isInstalled()) return true;
  if (!canInstall()) return false;
  aptInstall(['prometheus']);
  return isInstalled();
}

/** What `promtool check metrics` says of metrics in the Prometheus text format; empty if it finds nothing. */
export function checkMetrics(text: string): string {
  const { status, stdout, stderr, error } = spawnSync('promtool', ['check', 'metrics'], {
    input: text,
    encoding: 'utf8',
  });
  if (error) throw error;
  const said = `${stdout}${stderr}`.trim();
  return status === 0 || said !== '' ? said : `promtool ended with ${status}`;
}
