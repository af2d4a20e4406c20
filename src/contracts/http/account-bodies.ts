import { z } from 'zod';
import { limits } from '../limits.ts';
import { registrations } from '../registration.ts';
import { id } from '../scalars.ts';

export const email = z
  .email()
  .max(limits.emailChars)
  .transform((value) => value.toLowerCase())
  .meta({ example: 'user@example.com' });
const password = z
  .string()
  .min(10)
  .max(limits.passwordChars)
  .describe('Not a common one, and not made of words of the email.')
  .meta({ example: 'three-brown-otters' });

export const credentials = z.object({ email, password }).meta({ id: 'Credentials' });

export const registerBody = credentials
  .extend({ invite: z.string().max(128).optional().describe('Where only those who are invited can make an account.') })
  .meta({ id: 'Register' });

/** What a page must know before anybody logs in. */
export const accountOptions = z
  .object({
    registration: z.enum(registrations).describe('Who may make an account.'),
    passwordReset: z.boolean().describe('Whether a forgotten password can be replaced by mail.'),
  })
  .meta({ id: 'AccountOptions' });

export type AccountOptions = z.output<typeof accountOptions>;

export const loginBody = z
  .object({ email, password: z.string().min(1).max(limits.passwordChars) })
  .meta({ id: 'Login' });

export const changePasswordBody = z
  .strictObject({ currentPassword: z.string().min(1).max(limits.passwordChars), newPassword: password })
  .meta({ id: 'ChangePassword' });

export const askResetBody = z.strictObject({ email }).meta({ id: 'ForgottenPassword' });

export const resetPasswordBody = z
  .strictObject({ token: z.string().min(1).max(128).describe('From the mail.'), newPassword: password })
  .meta({ id: 'ResetPassword' });

export const refreshBody = z.object({ refreshToken: z.string().min(1).max(512) }).meta({ id: 'RefreshToken' });

export const registered = z
  .object({ email: z.string(), next: z.enum(['log_in']).describe('What to do next.') })
  .meta({ id: 'Registered', description: 'The same for an email that had an account before.' });

export type Registered = z.output<typeof registered>;

export const tokens = z
  .object({
    accessToken: z.string(),
    refreshToken: z.string().describe('Can be used once. The reply to that has the next refresh token.'),
    tokenType: z.literal('Bearer'),
    expiresIn: z.int().describe('Seconds until the access token expires.'),
    userId: id,
  })
  .meta({ id: 'Tokens' });

export type TokensBody = z.output<typeof tokens>;
