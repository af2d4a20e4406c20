export const LEAST_PASSWORD_CHARS = 10;

export const TOO_WEAK =
  'This password is too easy to guess. Choose one that is not common, without words of your email.';

export const WRONG_CODE = 'The code is wrong, or was used before. Wait until the app shows the next one.';

export const APP_OR_RECOVERY = 'The six digits of your authenticator app, or one of your recovery codes.';
