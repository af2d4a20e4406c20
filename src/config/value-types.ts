import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { brokerUrls } from '../contracts/broker-urls.ts';
import { phoneNumbers } from '../contracts/packages.ts';
import type { AllowedPublisher } from '../contracts/publishers.ts';
import { readRedisAddress } from '../contracts/redis-address.ts';

const UNIT_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** `250ms`, `30s`, `15m`, `24h` or `90d`, as milliseconds. */
export const duration = (bounds: { min?: string; max?: string } = {}) =>
  z.string().transform((text, context) => {
    const ms = parseDuration(text);
    if (ms === undefined) {
      context.addIssue('must be a duration such as 250ms, 30s, 15m, 24h or 90d');
      return z.NEVER;
    }
    if (ms < parseDuration(bounds.min ?? '1ms')! || ms > parseDuration(bounds.max ?? '3650d')!) {
      context.addIssue(`must be between ${bounds.min ?? '1ms'} and ${bounds.max ?? '3650d'}`);
      return z.NEVER;
    }
    return ms;
  });

function parseDuration(text: string): number | undefined {
  const match = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text.trim());
  return match ? Number(match[1]) * UNIT_MS[match[2] as keyof typeof UNIT_MS] : undefined;
}

export const integer = (min: number, max: number) =>
  z
    .string()
    .regex(/^-?\d+$/, 'must be a whole number')
    .transform(Number)
    .refine((value) => value >= min && value <= max, `must be between ${min} and ${max}`);

export const decimal = (min: number, max: number) =>
  z
    .string()
    .regex(/^-?\d+(\.\d+)?$/, 'must be a number')
    .transform(Number)
    .refine((value) => value >= min && value <= max, `must be between ${min} and ${max}`);

export const flag = z.enum(['true', 'false'], 'must be true or false').transform((text) => text === 'true');

/** Names, separated by commas; duplicates and blanks are left out. */
export const names = z
  .string()
  .transform((list) => [...new Set(list.split(',').map((name) => name.trim()))].filter((name) => name !== ''));

/** One secret, too long to guess, of characters that a header can carry. */
export const secret = (minBytes: number) =>
  z
    .string()
    .refine((text) => Buffer.byteLength(text) >= minBytes, `must have at least ${minBytes} bytes`)
    .refine((text) => /^[!-~]+$/.test(text), 'must be of printable ASCII characters without blanks');

/** Secrets, separated by commas. Each must be too long to guess. */
export const secrets = (minBytes: number, howToMake: string) =>
  names.refine(
    (list) => list.every((secret) => Buffer.byteLength(secret) >= minBytes),
    `must have at least ${minBytes} bytes, each if there are several; make one with: ${howToMake}`,
  );

/** A master key: `id` is its name, `key` has 32 bytes. */
const encryptionKey = z
  .string()
  .regex(
    /^[\w.-]{1,32}:[A-Za-z0-9+/_-]{43}=?$/,
    'must be names of letters, digits and ._-, each with a colon and 32 bytes in base64, separated by commas; make one with: echo "k1:$(openssl rand -base64 32)"',
  )
  .transform((text) => {
    const [id = '', key = ''] = text.split(':');
    return { id, key: Buffer.from(key, 'base64') };
  });

/** Master keys, separated by commas. */
export const encryptionKeys = names
  .pipe(z.array(encryptionKey))
  .refine((keys) => new Set(keys.map(({ id }) => id)).size === keys.length, 'must not have the same name twice');

/** Names, separated by commas, at least one. */
export const someNames = names.refine((list) => list.length > 0, 'must have at least one name');

/** Pairs of a RabbitMQ user and the user ids for whom it may ask, such as `crm:tenant-a/*`, separated by commas. */
export const publishers = names.transform((list, context) =>
  list.map((pair): AllowedPublisher => {
    const [, publisher = '', userIds = ''] = /^([^:]+):(.+)$/s.exec(pair) ?? [];
    if (!publisher)
      context.addIssue(`must be pairs such as crm:tenant-a/* or app:*, separated by commas (not: ${pair})`);
    return { publisher, userIds };
  }),
);

/** Origins of web pages, separated by commas, or `*` for all. */
export const origins = names.transform((list, context) => {
  for (const origin of list) {
    if (origin === '*' ? list.length === 1 : isOrigin(origin)) continue;
    context.addIssue(
      `must be origins as browsers write them, such as https://app.example.com, without a path or a slash at the end, separated by commas; or * alone (not: ${origin})`,
    );
    return z.NEVER;
  }
  return list;
});

/** Apps in a web view have their own schemes, such as capacitor://. The URL standard gives those no origin. */
function isOrigin(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { origin, protocol } = new URL(text);
  if (text.includes('*')) return false;
  return /^https?:$/.test(protocol) ? origin === text : /^[a-z][a-z0-9+.-]*:\/\/[^/\s?#@*]+$/.test(text);
}

/** A path prefix, without a slash at its end. */
export const pathPrefix = z
  .string()
  .transform((path) => path.replace(/\/+$/, ''))
  .refine(
    (path) => path === '' || /^(?:\/[\w~-][\w.~-]*)+$/.test(path),
    'must be a path such as /healify, of letters, digits and -._~',
  );

export const text = (maxChars = 10_000) => z.string().max(maxChars, `must have at most ${maxChars} characters`);

/** A URL of one of these schemes (without the colon). */
export const url = (...schemes: string[]) =>
  z.string().refine(
    (value) => {
      const protocol = URL.canParse(value) ? new URL(value).protocol.slice(0, -1) : '';
      return schemes.includes(protocol);
    },
    `must be a URL that starts with ${schemes.map((scheme) => `${scheme}://`).join(' or ')}`,
  );

/** Where Redis is: see `RedisAddress`. The value stays the text. */
export const redisUrl = z.string().superRefine((text, context) => {
  try {
    readRedisAddress(text);
  } catch (error) {
    context.addIssue((error as Error).message);
  }
});

/** The addresses of a broker's nodes, separated by commas. They differ in host and port only. */
export const brokerAddresses = z.string().superRefine((text, context) => {
  const isUrl = url('amqp', 'amqps');
  const urls = brokerUrls(text);
  const problem = urls.map((one) => isUrl.safeParse(one).error).find((error) => error !== undefined);
  if (problem) return context.addIssue(problem.issues[0]!.message);
  if (new Set(urls.map(exceptHost)).size > 1)
    context.addIssue('must have the same scheme, user, password, virtual host and parameters in all of its URLs');
});

const exceptHost = (text: string): string => {
  const one = new URL(text);
  [one.hostname, one.port] = ['node', '1'];
  return one.href;
};

/** The content of a file. The text is the file's path. */
export const fileContent = z.string().transform((path, context): Buffer => {
  try {
    return readFileSync(path);
  } catch (error) {
    context.addIssue(`must be the path of a file that can be read (${(error as NodeJS.ErrnoException).code})`);
    return z.NEVER;
  }
});

/** A secret that is in a file, which is named by its path. A newline at its end does not belong to it. */
export const secretFile = (minBytes: number) =>
  fileContent.transform((content) => content.toString('utf8').trimEnd()).pipe(secret(minBytes));

/** Text that may be left out: `''` becomes `undefined`. */
export const optional = <T>(type: z.ZodType<T, string>) =>
  z.string().transform((value, context): T | undefined => {
    if (value === '') return undefined;
    const parsed = type.safeParse(value);
    if (parsed.success) return parsed.data;
    for (const issue of parsed.error.issues) context.addIssue(issue.message);
    return z.NEVER;
  });

/** A name of the operator's own, without a comma. '' is none. */
export const placeName = z.string().regex(/^[^,]{0,100}$/, 'must have at most 100 characters, and no comma');

export const country = z
  .string()
  .refine(
    (code) => phoneNumbers().isSupportedCountry(code),
    'must be the code of a country in two capital letters, such as DE',
  );

/** Pairs of a kind and a pattern, such as `CASE:F-######`, separated by commas. */
export const identityPatterns = names.transform((list, context) =>
  list.map((pair) => {
    const [, kind = '', pattern = ''] = /^([A-Z]{1,20}):([^:]{1,60})$/.exec(pair) ?? [];
    if (!/[#@]/.test(pattern))
      context.addIssue(`must be pairs such as CASE:F-######, with # for a digit and @ for a letter (not: ${pair})`);
    return { kind, pattern };
  }),
);

const fallback = z.strictObject({
  name: z.string().min(1).max(128),
  baseUrl: z.url({ protocol: /^https?$/ }),
  model: z.string().min(1).max(128),
  apiKeyEnv: z.string().regex(/^[A-Z_][A-Z0-9_]*$/, 'must be the name of an environment variable'),
  promptPrice: z.number().nonnegative().optional(),
  completionPrice: z.number().nonnegative().optional(),
  region: placeName.optional(),
  agreement: z.string().max(200).optional(),
});

export type Fallback = z.output<typeof fallback>;

/** A JSON array of providers. It does not hold their keys, only the names of the variables that do. */
export const fallbacks = z.string().transform((json, context): Fallback[] => {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    context.addIssue('must be JSON');
    return z.NEVER;
  }
  const parsed = z.array(fallback).max(10).safeParse(value);
  if (parsed.success) return parsed.data;
  for (const { path, message } of parsed.error.issues) context.addIssue(`[${path.join('.')}]: ${message}`);
  return z.NEVER;
});
