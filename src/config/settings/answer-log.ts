import { both, setting } from '../setting.ts';
import { duration } from '../value-types.ts';

export const answerLog = {
  answerLogTtlMs: setting({
    env: 'ANSWER_LOG_TTL',
    type: duration({ min: '1m', max: '7d' }),
    default: '1h',
    unit: 'duration',
    text: 'How long a streamed answer can be read again after its end. An answer that never ends can be read until so long after its deadline.',
    readBy: both,
  }),
} as const;
