import { api, setting } from '../setting.ts';
import { duration, secrets } from '../value-types.ts';

export const auditTrail = {
  auditKeys: setting({
    env: 'AUDIT_KEYS',
    type: secrets(32, 'openssl rand -base64 48'),
    default: '',
    unit: 'secrets',
    text: 'Seals the entries of the audit trail (HMAC-SHA256), so that whoever can write to the store cannot replace them unseen. Several, separated by commas: the first seals, all are accepted by `npm run audit -- verify`. Left out: the entries are chained, but not sealed.',
    mayBeInFile: true,
    readBy: api,
  }),
  auditRetentionMs: setting({
    env: 'AUDIT_RETENTION',
    type: duration({ min: '1d' }),
    default: '2190d',
    unit: 'duration',
    text: 'How long entries of the audit trail are kept. The default is six years.',
    readBy: api,
  }),
  auditTotalsEveryMs: setting({
    env: 'AUDIT_TOTALS_EVERY',
    type: duration({ min: '1s' }),
    default: '1h',
    unit: 'duration',
    text: 'How often the audit trail gets entries that say how many texts went to which provider.',
    readBy: api,
  }),
} as const;
