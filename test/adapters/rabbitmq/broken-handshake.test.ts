import { once } from 'node:events';
import { type AddressInfo, connect as connectTcp, createServer, type Server, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { connect } from 'amqplib';
import { startScript } from '../../processes.ts';
import { testRabbitMqUrl } from '../../services.ts';

/** What a real broker sends until a connection is open: three frames. */
let handshake: Buffer;
const servers: Server[] = [];
beforeAll(async () => {
  handshake = await recordHandshake(await testRabbitMqUrl());
});
afterAll(() => {
  for (const server of servers) server.close();
});

async function listen(onConnection: (socket: Socket) => void): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    onConnection(socket);
  });
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

async function recordHandshake(url: string): Promise<Buffer> {
  const { hostname, port } = new URL(url);
  const pieces: Buffer[] = [];
  const proxy = new URL(url);
  proxy.port = String(
    await listen((near) => {
      const far = connectTcp(Number(port), hostname);
      far.on('error', () => near.destroy());
      far.on('data', (data) => pieces.push(data));
      near.pipe(far).pipe(near);
    }),
  );
  const connection = await connect(proxy.href);
  const recorded = Buffer.concat(pieces);
  await connection.close();
  return recorded;
}

const frame = (type: number, channel: number, payload: Buffer) => {
  const head = Buffer.alloc(7);
  head.writeUInt8(type, 0);
  head.writeUInt16BE(channel, 1);
  head.writeUInt32BE(payload.length, 3);
  return Buffer.concat([head, payload, Buffer.from([0xce])]);
};
const closing = (code: number) => {
  const reason = Buffer.from('the broker goes away');
  const payload = Buffer.alloc(4 + 2 + 1 + reason.length + 4);
  payload.writeUInt32BE((10 << 16) | 50, 0);
  payload.writeUInt16BE(code, 4);
  payload.writeUInt8(reason.length, 6);
  reason.copy(payload, 7);
  return frame(1, 0, payload);
};

/** What a broker sends in place of the rest. */
const ENDINGS: Record<string, Buffer> = {
  nothing: Buffer.alloc(0),
  'connection.close, forced': closing(320),
  'connection.close, internal error': closing(541),
  'connection.close, access refused': closing(403),
  'a heartbeat': frame(8, 0, Buffer.alloc(0)),
  'a frame of a channel that there is not': frame(1, 7, Buffer.from([0, 20, 0, 11, 0, 0, 0, 0])),
  'a frame without an end': Buffer.from([1, 0, 0, 0, 0, 0, 1, 0, 0]),
  'a frame of an unknown method': frame(1, 0, Buffer.from([0, 10, 0, 99])),
  'another protocol': Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'),
};

/** Lengths of what is sent, all three frames, and where each of them ends. */
function frameEnds(): number[] {
  const ends = [0];
  for (let at = 0; at < handshake.length; ) {
    at += 8 + handshake.readUInt32BE(at + 3);
    ends.push(at);
  }
  return ends;
}

interface Script {
  send: Buffer;
  how: 'end' | 'reset';
}

/** Runs one process of ours through all of these, each in one piece and byte by byte where `slowly`. */
async function run(scripts: Script[], slowly: boolean): Promise<string> {
  let next = 0;
  const port = await listen((socket) => {
    const { send, how } = scripts[next++ % scripts.length]!;
    const finish = () => (how === 'end' ? socket.end() : socket.resetAndDestroy());
    socket.once('data', () => {
      if (!slowly) return void socket.write(send, finish);
      // We do not wait for what the client sends in between. It must survive that as well.
      let at = 0;
      const step = () => {
        if (at >= send.length || socket.destroyed) return finish();
        socket.write(send.subarray(at, ++at), () => setImmediate(step));
      };
      step();
    });
  });
  const child = await startScript('test/connect-again-and-again.ts', [
    `amqp://u:p@127.0.0.1:${port}`,
    String(scripts.length),
  ]);
  await child.exited;
  return child.output();
}

test('a broker that goes away after any byte of the handshake costs the process only the connection', async () => {
  const scripts = Array.from({ length: handshake.length + 1 }, (_, length) =>
    (['end', 'reset'] as const).map((how) => ({ send: handshake.subarray(0, length), how })),
  ).flat();
  expect(await run(scripts, false)).toMatch(/lived\n$/);
});

test.each(Object.keys(ENDINGS))(
  'a broker that sends, after any frame and in the same piece, %s, costs no more than that either',
  async (name) => {
    const scripts = frameEnds().flatMap((length) =>
      (['end', 'reset'] as const).map((how) => ({
        send: Buffer.concat([handshake.subarray(0, length), ENDINGS[name]!]),
        how,
      })),
    );
    const many = Array.from({ length: 5 }, () => scripts).flat();
    expect(await run(many, false)).toMatch(/lived\n$/);
    expect(await run(scripts, true)).toMatch(/lived\n$/);
  },
);
