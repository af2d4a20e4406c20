import { z } from 'zod';
import { limits } from '../limits.ts';
import { registrations } from '../registration.ts';
import { id, timestamp } from '../scalars.ts';

export const email = z
  .email()
  .max(limits.emailChars)
  // As in RFC 5321, and as the format "email" of JSON Schema has it.
  .refine((value) => value.lastIndexOf('@') <= limits.emailNameChars, 'must have at most 64 characters before the @')
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
    passwordLogin: z.boolean().describe('Whether anybody can log in with a password, or make an account.'),
    identityProvider: z
      .object({ name: z.string().describe('What people call it.') })
      .nullable()
      .describe('Where people can log in as well: send the browser to `/auth/oidc/login`. null: nowhere.'),
    passwordReset: z.boolean().describe('Whether a forgotten password can be replaced by mail.'),
    verifiedMail: z.boolean().describe('Whether the email must be verified before the first question.'),
  })
  .meta({ id: 'AccountOptions' });

export type AccountOptions = z.output<typeof accountOptions>;

/** Any password: how good it is, is judged only when it is chosen. */
const knownPassword = z.string().min(1).max(limits.passwordChars);

/** Room for spaces, as apps show them. */
const totp = z
  .string()
  .max(64)
  .describe('The six digits that your authenticator app shows, or one of your recovery codes.')
  .meta({ example: '123456' });

export const loginBody = z
  .object({
    email,
    password: knownPassword,
    // A form sends every field.
    totp: totp
      .optional()
      .transform((code) => code?.trim() || undefined)
      .describe('Needed if the account has a second factor: the digits of the authenticator app, or a recovery code.'),
  })
  .meta({ id: 'Login' });

export const changePasswordBody = z
  .strictObject({ currentPassword: knownPassword, newPassword: password })
  .meta({ id: 'ChangePassword' });

export const askResetBody = z.strictObject({ email }).meta({ id: 'ForgottenPassword' });

export const resetPasswordBody = z
  .strictObject({ token: z.string().min(1).max(128).describe('From the mail.'), newPassword: password })
  .meta({ id: 'ResetPassword' });

export const secondFactorState = z
  .object({
    setUpAt: timestamp.nullable().describe('Since when logins need it. null: the password is enough.'),
    recoveryCodes: z.int().nonnegative().describe('How many recovery codes are left.'),
    required: z.boolean().describe('true: your role counts only once you have one.'),
  })
  .meta({ id: 'SecondFactor', description: 'The authenticator app of your account.' });

export type SecondFactorState = z.output<typeof secondFactorState>;

export const beginSecondFactorBody = z.strictObject({ password: knownPassword }).meta({ id: 'BeginSecondFactor' });

export const begunSecondFactor = z
  .object({
    secret: z.string().describe('Base32, to type into an app that cannot read the picture.'),
    uri: z.string().describe('`otpauth://totp/…`: what a QR code for the app must hold.'),
  })
  .meta({ id: 'BegunSecondFactor', description: 'For your authenticator app. It is not shown again.' });

export type BegunSecondFactor = z.output<typeof begunSecondFactor>;

export const confirmSecondFactorBody = z.strictObject({ totp }).meta({ id: 'ConfirmSecondFactor' });

export const changeSecondFactorBody = z
  .strictObject({ password: knownPassword, totp })
  .meta({ id: 'ChangeSecondFactor' });

export const recoveryCodes = z
  .object({
    recoveryCodes: z
      .array(z.string())
      .describe('Each counts once, in the place of a code of the app. They are not shown again.'),
  })
  .meta({ id: 'RecoveryCodes' });

export type RecoveryCodesBody = z.output<typeof recoveryCodes>;

export const verifyEmailBody = z
  .strictObject({ token: z.string().min(1).max(128).describe('From the mail.') })
  .meta({ id: 'VerifyEmail' });

export const refreshBody = z.object({ refreshToken: z.string().min(1).max(512) }).meta({ id: 'RefreshToken' });

export const signInCodeBody = z
  .strictObject({ code: z.string().min(1).max(128).describe('From the address of the page, after the login.') })
  .meta({ id: 'SignInCode' });

export const registered = z
  .object({
    email: z.string(),
    next: z
      .enum(['log_in', 'verify_email'])
      .describe(
        'What to do next. `verify_email`: open the link in the mail. Logging in works before that, asking does not.',
      ),
  })
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
