import { text } from 'node:stream/consumers';
import { SMTPServer } from 'smtp-server';
import { until } from './until.ts';

/** A mail server on this machine, without TLS. `close` ends it. */
export async function startMailServer() {
  const mails: { to: string; text: string }[] = [];
  let refusals = 0;
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS', 'AUTH'],
    onRcptTo: (_address, _session, done) => {
      if (refusals-- > 0) return done(Object.assign(new Error('later'), { responseCode: 450 }));
      done();
    },
    onData: (stream, session, done) => {
      text(stream).then((raw) => {
        // Lines of quoted-printable end with `=`.
        const decoded = raw.replace(/=\r\n/g, '').replace(/=3D/g, '=');
        mails.push({ to: session.envelope.rcptTo[0]!.address, text: decoded });
        done();
      }, done);
    },
  });
  const port = await new Promise<number>((resolve) => {
    const listening = server.listen(0, '127.0.0.1', () => resolve((listening.address() as { port: number }).port));
  });
  return {
    /** What an api needs to send its mails here. */
    settings: { SMTP_URL: `smtp://127.0.0.1:${port}`, MAIL_FROM: 'Healify <no-reply@example.com>' },
    mails,
    /** Refuses the next mails for now. */
    refuse: (times: number) => {
      refusals = times;
    },
    /** Returns the token of the link in the next mail to somebody, after the first `before` mails. */
    tokenFor: async (email: string, before = 0) => {
      const mail = await until('the mail', () => mails.slice(before).find(({ to }) => to === email));
      return /#\/\w+\/([\w-]{43})/.exec(mail.text)![1]!;
    },
    close: () => new Promise<void>((resolve) => server.close(resolve)),
  };
}

export type MailServer = Awaited<ReturnType<typeof startMailServer>>;
