import { WebSocket } from 'ws';
import {
  type ClientMessage,
  type ServerMessage,
  serverMessage,
} from '../../../../src/contracts/http/socket-messages.ts';
import { until } from '../../../until.ts';

/** A message as a test writes it, with or without its defaults. */
export type Sent = { [Type in ClientMessage['type']]: { type: Type } & Record<string, unknown> }[ClientMessage['type']];

type Received<T extends ServerMessage['type']> = Extract<ServerMessage, { type: T }>;

/** Opens a WebSocket. Each message that comes is checked against its schema. */
export async function openSocket(apiUrl: string, headers: Record<string, string> = {}) {
  const socket = new WebSocket(`${apiUrl.replace('http', 'ws')}/chat/ws`, { headers });
  const messages: ServerMessage[] = [];
  let wrong: unknown;
  socket.on('message', (data) => {
    const message = serverMessage.safeParse(JSON.parse(String(data)));
    if (message.success) messages.push(message.data);
    else wrong = message.error;
  });
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.once('close', (code, reason) => resolve({ code, reason: String(reason) }));
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('open', () => resolve());
    socket.once('error', reject);
  });
  socket.on('error', () => {});

  const send = (message: Sent) => socket.send(JSON.stringify(message));
  /** The first message of a type, and of an id, once it has come. */
  const saw = <T extends ServerMessage['type']>(type: T, id?: string | null) =>
    until(`a message ${type} ${id ?? ''}`, () => {
      if (wrong) throw wrong;
      return messages.find(
        (message): message is Received<T> =>
          message.type === type && (id === undefined || ('id' in message && message.id === id)),
      );
    });

  return {
    socket,
    messages,
    closed,
    send,
    saw,
    authenticate: async (token: string) => {
      send({ type: 'authenticate', token });
      return await saw('authenticated');
    },
    /** The events of a subscription so far. */
    eventsOf: (id: string) => {
      if (wrong) throw wrong;
      return messages.filter((message): message is Received<'event'> => message.type === 'event' && message.id === id);
    },
    close: () => socket.close(),
  };
}

export type TestSocket = Awaited<ReturnType<typeof openSocket>>;
