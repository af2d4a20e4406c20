import type { Environment } from './environment.ts';

/** Values of HOST that stand for all addresses of the machine, or for the machine itself. */
const HERE = new Set(['0.0.0.0', '::', '::1', 'localhost', '127.0.0.1', '']);

/** Returns the name under which this machine reaches what listens on HOST. */
function hostOf({ HOST = '' }: Environment): string {
  if (HERE.has(HOST)) return 'localhost';
  return HOST.includes(':') ? `[${HOST}]` : HOST;
}

/** @param setting the name of the setting that has the port, such as API_PORT */
export const baseUrlOf = (env: Environment, setting: string) => `http://${hostOf(env)}:${env[setting]}`;

/** Returns the URL without its password, for a server that is not ours. */
export function withoutPassword(url: string): string {
  if (!URL.canParse(url)) return 'set, but no URL';
  const parsed = new URL(url);
  if (parsed.password) parsed.password = '...';
  return parsed.href;
}
