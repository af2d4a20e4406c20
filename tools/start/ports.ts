import { canListen } from '../services/free-port.ts';
import type { Environment } from './environment.ts';

const PORTS = ['API_PORT', 'WORKER_PORT', 'API_METRICS_PORT', 'WORKER_METRICS_PORT'];

/** @throws Error naming each port that is taken, and the setting to change */
export async function refuseTakenPorts(env: Environment): Promise<void> {
  const problems: string[] = [];
  for (const setting of PORTS) {
    const port = Number(env[setting]);
    if (!(await canListen(port, env.HOST))) problems.push(`  ${setting}=${port} is taken by another program`);
  }
  if (problems.length > 0) {
    throw new Error(`Ports are not free:\n${problems.join('\n')}\nStop that program, or set another port.`);
  }
}
