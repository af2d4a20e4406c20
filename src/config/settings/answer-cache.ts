import { z } from 'zod';
import { both, setting, worker } from '../setting.ts';
import { duration, flag, integer } from '../value-types.ts';

export const answerCache = {
  cacheEnabled: setting({
    env: 'CACHE_ENABLED',
    type: flag,
    default: 'true',
    unit: 'true or false',
    text: 'Whether an answer is kept and given again to the same question, with the same model, parameters, system prompt and context.',
    readBy: worker,
  }),
  cacheScope: setting({
    env: 'CACHE_SCOPE',
    type: z.enum(['user', 'tenant', 'all'], 'must be user, tenant or all'),
    default: 'user',
    unit: 'name',
    text: 'For whom an answer may save a call of the model. `user`: only its own user. `tenant`: all users of the tenant. `all`: everybody. See docs/security.md.',
    readBy: worker,
  }),
  cacheTtlMs: setting({
    env: 'CACHE_TTL',
    type: duration({ min: '1s', max: '365d' }),
    default: '24h',
    unit: 'duration',
    text: 'How long a cached answer is kept, give or take 10 %, so that not all expire at once.',
    readBy: both,
  }),
  cacheMaxEntryBytes: setting({
    env: 'CACHE_MAX_ENTRY_BYTES',
    type: integer(1, 16 * 1024 * 1024),
    default: '65536',
    unit: 'bytes',
    text: 'A larger answer is not cached.',
    readBy: worker,
  }),
} as const;
