import { z } from 'zod';
import { api, both, setting } from '../setting.ts';
import { duration, fileContent, flag, integer, optional, text } from '../value-types.ts';

export const mongoDb = {
  mongodbUrl: setting({
    env: 'MONGODB_URL',
    type: optional(
      z
        .string()
        .regex(
          /^mongodb(\+srv)?:\/\/[^/?]+\/[^/?]+/,
          'must be a URL that starts with mongodb:// or mongodb+srv:// and names a database, such as mongodb://host/healify',
        ),
    ),
    default: '',
    unit: 'URL',
    text: 'MongoDB 6.0 or newer, or a server that speaks its protocol, with the name of a database. There conversations, feedback, accounts, refresh tokens and keys of users are kept. Left out: they are kept in Redis. The same database for api and workers, which only use the keys.',
    mayBeInFile: true,
    password: 'MONGODB_PASSWORD',
    connects: true,
    readBy: both,
  }),
  mongodbPassword: setting({
    env: 'MONGODB_PASSWORD',
    type: optional(text()),
    default: '',
    unit: 'secret',
    text: 'The password for a MONGODB_URL that names a user and no password.',
    mayBeInFile: true,
    readBy: both,
  }),
  mongodbCaFile: setting({
    env: 'MONGODB_CA_FILE',
    type: optional(fileContent),
    default: '',
    unit: 'path',
    text: "A file (PEM) with the certificate of your own authority, if that has signed MongoDB's certificate. For a MONGODB_URL with tls=true.",
    readBy: both,
  }),
  mongodbWriteConcern: setting({
    env: 'MONGODB_WRITE_CONCERN',
    type: z
      .string()
      .regex(/^(majority|[1-9]\d?)$/, 'must be majority or a number of members')
      .transform((text) => (text === 'majority' ? text : Number(text))),
    default: 'majority',
    unit: 'name or number',
    text: 'How many members of a replica set must have a write before it counts: majority, or their number. With fewer than a majority, a failover may lose what was acknowledged.',
    readBy: both,
  }),
  mongodbPoolSize: setting({
    env: 'MONGODB_POOL_SIZE',
    type: integer(1, 1_000),
    default: '20',
    unit: 'connections',
    text: 'How many connections a process may have to MongoDB.',
    readBy: both,
  }),
  mongodbConnectTimeoutMs: setting({
    env: 'MONGODB_CONNECT_TIMEOUT',
    type: duration({ min: '100ms', max: '1m' }),
    default: '5s',
    unit: 'duration',
    text: 'How long a connection to MongoDB may take to be made.',
    readBy: both,
  }),
  mongodbRetryWrites: setting({
    env: 'MONGODB_RETRY_WRITES',
    type: flag,
    default: 'true',
    unit: 'true or false',
    text: 'Whether a write is tried once more if its server has just failed. Only replica sets can do it.',
    readBy: both,
  }),
  sessionIdleMs: setting({
    env: 'SESSION_IDLE',
    type: duration({ min: '1s' }),
    default: '1h',
    unit: 'duration',
    text: 'With MONGODB_URL: how long a session stays in Redis after its last answer. After that it is read from MongoDB when it is needed again.',
    readBy: api,
  }),
} as const;
