import { type BrokerRights, declaringRights, grantCommand } from '../../contracts/broker-rights.ts';

const ACCESS_REFUSED = 403;
const NOT_FOUND = 404;

/** amqplib's error for a channel that RabbitMQ has closed. */
interface ChannelError extends Error {
  code?: number;
  classId?: number;
  methodId?: number;
}

export const isRefusal = (error: unknown) => (error as ChannelError).code === ACCESS_REFUSED;
export const isNotFound = (error: unknown) => (error as ChannelError).code === NOT_FOUND;

/**
 * Names the missing right, and the command that grants it.
 * @param rights all rights of the process, which the command grants together
 * @returns undefined if the error is not a refusal
 */
export function explainRefusal(error: unknown, rights: BrokerRights): string | undefined {
  if (!isRefusal(error)) return undefined;
  const { message, classId, methodId } = error as ChannelError;
  const [, kind, name, vhost, user] =
    /access to (queue|exchange) '(.*)' in vhost '(.*)' refused for user '(.*)'/s.exec(message) ?? [];
  if (!kind || !name || !vhost || !user) return message;
  const right = rightOf(classId, methodId);
  const command = grantCommand(right === 'configure' ? declaringRights : rights, { vhost, user });
  return `the RabbitMQ user ${user} lacks the ${right} right on the ${kind} ${name}; grant it with: ${command}`;
}

function rightOf(classId: number | undefined, methodId: number | undefined): string {
  if (classId === 50) return 'configure';
  return methodId === 40 ? 'write' : 'read';
}

/**
 * Explains why RabbitMQ closes a connection after the login. amqplib does not say that the virtual host is the reason.
 */
export function explainVirtualHost(message: string, url: string): string {
  if (!/got <ConnectionClose/.test(message)) return message;
  const { pathname, username } = new URL(url);
  const vhost = decodeURIComponent(pathname.slice(1)) || '/';
  const command = grantCommand(declaringRights, { vhost, user: decodeURIComponent(username) || 'guest' });
  return `RabbitMQ refuses the virtual host ${vhost}: it is not there, or the user may not use it. Grant it with: ${command}`;
}
