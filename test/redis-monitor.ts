import { connect } from 'node:net';
import { until } from './until.ts';

/**
 * Tells every command that a Redis runs from now on, of all its clients. ioredis's own monitor fails if commands come together
 * with the reply that it has begun.
 * @param url of a Redis without a password
 */
export async function startRedisMonitor(url: string) {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  let text = '';
  socket.setEncoding('utf8').on('data', (more: string) => {
    text += more;
  });
  socket.write('MONITOR\r\n');
  await until('it has begun', () => text.startsWith('+OK'));
  return { commands: () => text.split('\r\n'), stop: () => socket.destroy() };
}
