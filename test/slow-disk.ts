import { randomUUID } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A string in Redis's protocol. */
const bulk = (text: string) => `$${text.length}\r\n${text}\r\n`;

/**
 * A proxy that makes a Redis of any version look as if its disk were slow. When a connection asks with WAITAOF whether
 * its writes are on disk, it gets no reply to this and to all later commands, until the test says whether they were
 * written.
 */
export async function startSlowDisk(targetUrl: string) {
  const target = new URL(targetUrl);
  const sockets = new Set<Socket>();
  /** Connections that wait, and what their clients have sent after they asked. */
  const waiting = new Map<Socket, { far: Socket; later: Buffer[] }>();
  const asked = new EventEmitter();
  /** Questions whose connections have not had all earlier replies yet. */
  let unanswered = 0;

  const server = createServer((near) => {
    const far = connect(Number(target.port), target.hostname);
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => sockets.delete(socket));
    }
    let marker = '';
    far.on('data', (data) => {
      const text = data.toString('latin1');
      if (marker === '' || !text.includes(bulk(marker))) return void near.write(data);
      near.write(Buffer.from(text.replace(bulk(marker), ''), 'latin1'));
      marker = '';
      unanswered -= 1;
      asked.emit('asked');
    });
    far.on('close', () => near.destroy());
    near.on('close', () => far.destroy());
    near.on('data', (data) => {
      const held = waiting.get(near);
      if (held) return void held.later.push(data);
      const question = /\*4\r\n\$7\r\nWAITAOF\r\n(?:\$\d+\r\n\d+\r\n){3}/i.exec(data.toString('latin1'));
      if (!question) return void far.write(data);
      // Our reply must come after the replies to all that came before.
      marker = randomUUID();
      unanswered += 1;
      far.write(data.subarray(0, question.index));
      far.write(`*2\r\n$4\r\nECHO\r\n${bulk(marker)}`);
      waiting.set(near, { far, later: [data.subarray(question.index + question[0].length)] });
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = new URL(targetUrl);
  url.hostname = '127.0.0.1';
  url.port = String((server.address() as AddressInfo).port);

  const reply = (text: string) => {
    for (const [near, { far, later }] of waiting) {
      near.write(text);
      for (const data of later) if (data.length > 0) far.write(data);
    }
    waiting.clear();
  };
  return {
    url: url.href,
    /** Resolves once somebody waits for the disk. */
    asked: async () => {
      if (waiting.size === 0 || unanswered > 0) await once(asked, 'asked');
    },
    /** What was asked for is on disk. */
    written: () => reply('*2\r\n:1\r\n:0\r\n'),
    /** It was not written in time. */
    notWritten: () => reply('*2\r\n:0\r\n:0\r\n'),
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
