import { both, setting } from '../setting.ts';
import { encryptionKeys, flag } from '../value-types.ts';

export const encryption = {
  encryptionKeys: setting({
    env: 'ENCRYPTION_KEYS',
    type: encryptionKeys,
    default: '',
    unit: 'secrets',
    text: 'Master keys, each a name, a colon and 32 bytes in base64, separated by commas. They wrap the keys of users, with which texts are encrypted. The first wraps new keys, the others only unwrap. Left out: texts are kept as they are. The same for api and workers. Lost keys are lost texts.',
    mayBeInFile: true,
    readBy: both,
  }),
  plainTextsForOthers: setting({
    env: 'PLAIN_TEXTS_FOR_OTHERS',
    type: flag,
    default: 'false',
    unit: 'true or false',
    text: 'With ENCRYPTION_KEYS: whether what other services may read still has texts: messages on `chat_requests` and `chat_responses`, in Redis the title in `chat:session:{sessionId}`, and `ai:response:{sessionId}`, which is otherwise not written.',
    readBy: both,
  }),
} as const;
