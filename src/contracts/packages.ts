import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

/*
 * Packages of many files, which only some settings need. Who needs one asks for it when it is made, which is before the process
 * is ready. So a process loads no more than its settings need, and if a package is missing, the process fails at its start.
 */

export const nodemailer = () => require('nodemailer') as typeof import('nodemailer');

export const phoneNumbers = () => require('libphonenumber-js/max') as typeof import('libphonenumber-js/max');

export const undici = () => require('undici') as typeof import('undici');
