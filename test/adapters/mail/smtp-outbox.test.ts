import { expect, test } from '@jest/globals';
import { SMTPServer } from 'smtp-server';
import { createSmtpOutbox } from '../../../src/adapters/mail/smtp-outbox.ts';
import { startMailServer } from '../../mail-server.ts';
import { until } from '../../until.ts';

const MAIL = { to: 'a@example.com', subject: 'Hello', text: 'Hello' };

test('nothing is sent to a server of another machine that does not offer TLS', async () => {
  let received = 0;
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onMailFrom: (_address, _session, done) => {
      received += 1;
      done();
    },
  });
  const port = await new Promise<number>((resolve) => {
    const listening = server.listen(0, '127.0.0.1', () => resolve((listening.address() as { port: number }).port));
  });
  const lines: unknown[] = [];
  const outbox = createSmtpOutbox({
    url: `smtp://127.0.0.1:${port}`,
    from: 'no-reply@example.com',
    requireTls: true,
    retryAfterMs: [],
    logger: { info: () => {}, warn: () => {}, error: (line: unknown) => void lines.push(line) },
  });
  outbox.send(MAIL);
  await until('it has failed', () => lines.length === 1);
  expect(received).toBe(0);
  expect(lines).toMatchObject([{ code: 'ETLS' }]);
  outbox.stop();
  await new Promise<void>((resolve) => server.close(resolve));
});

test('whoever waits until all mails are settled goes on once each is sent or given up', async () => {
  const mailServer = await startMailServer();
  const outbox = createSmtpOutbox({
    url: mailServer.settings.SMTP_URL,
    from: 'no-reply@example.com',
    retryAfterMs: [1],
    logger: { info: () => {}, warn: () => {}, error: () => {} },
  });
  mailServer.refuse(1);
  for (const to of ['a@example.com', 'b@example.com', 'c@example.com']) outbox.send({ ...MAIL, to });
  await outbox.settle();
  expect(mailServer.mails.map(({ to }) => to).sort()).toEqual(['a@example.com', 'b@example.com', 'c@example.com']);
  mailServer.refuse(2);
  outbox.send(MAIL);
  await outbox.settle();
  expect(mailServer.mails).toHaveLength(3);
  outbox.stop();
  await mailServer.close();
});

test('mails are given up when the process stops, and at most 1,000 wait', () => {
  const lines: [object, string][] = [];
  const log = (line: object, message: string) => void lines.push([line, message]);
  const outbox = createSmtpOutbox({
    url: 'smtp://127.0.0.1:9',
    from: 'no-reply@example.com',
    logger: { info: log, warn: log, error: log } as never,
  });
  for (let i = 0; i < 1_001; i++) outbox.send(MAIL);
  expect(lines).toEqual([[{ waiting: 1_000 }, 'a mail was dropped, because too many wait']]);
  outbox.stop();
  expect(lines.at(-1)).toEqual([{ waiting: 1_000 }, 'these mails are not sent']);
});
