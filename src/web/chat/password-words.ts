export const LEAST_PASSWORD_CHARS = 10;

export const TOO_WEAK =
  'This password is too easy to guess. Choose one that is not common, without words of your email.';
