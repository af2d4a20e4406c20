import { z } from 'zod';
import { api, setting } from '../setting.ts';
import { duration, optional, text, url } from '../value-types.ts';

export const mail = {
  smtpUrl: setting({
    env: 'SMTP_URL',
    type: optional(url('smtp', 'smtps')),
    default: '',
    unit: 'URL',
    text: 'The mail server, with user and password: `smtps://user:password@mail.example.com`, or `smtp://…`, which begins TLS with STARTTLS. Beyond the own machine, nothing is sent without TLS. Left out: no mails are sent, and forgotten passwords are replaced with `npm run users -- set-password`.',
    mayBeInFile: true,
    connects: true,
    readBy: api,
  }),
  mailFrom: setting({
    env: 'MAIL_FROM',
    type: text(254),
    default: '',
    unit: 'address',
    text: 'The sender of our mails, such as `Healify <no-reply@example.com>`. Required with SMTP_URL.',
    readBy: api,
  }),
  publicUrl: setting({
    env: 'PUBLIC_URL',
    type: optional(url('https', 'http')),
    default: '',
    unit: 'URL',
    text: 'Where people open the chat page, with BASE_PATH if there is one: `https://chat.example.com`. Links in mails lead there, with a secret, and an identity provider sends browsers back there. So production refuses `http:` beyond the own machine. Required with SMTP_URL and OIDC_ISSUER.',
    connects: true,
    readBy: api,
  }),
  verifiedMail: setting({
    env: 'VERIFIED_MAIL',
    type: z.enum(['required', 'off'], 'must be required or off'),
    default: 'off',
    unit: 'required, off',
    text: 'With `required`, who makes an account gets a mail with a link, and can ask nothing until it was opened. This also holds for accounts that were made before. Needs SMTP_URL.',
    readBy: api,
  }),
  passwordResetTtlMs: setting({
    env: 'PASSWORD_RESET_TTL',
    type: duration({ min: '5m', max: '1d' }),
    default: '30m',
    unit: 'duration',
    text: 'How long the link in a mail can be used to choose another password.',
    readBy: api,
  }),
} as const;
