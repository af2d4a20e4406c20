import type { z } from 'zod';
import type { Reader } from './setting.ts';
import { accountsAndTokens } from './settings/accounts-and-tokens.ts';
import { answerCache } from './settings/answer-cache.ts';
import { answerLog } from './settings/answer-log.ts';
import { auditTrail } from './settings/audit-trail.ts';
import { bridgeAndWorkflow } from './settings/bridge-and-workflow.ts';
import { encryption } from './settings/encryption.ts';
import { general } from './settings/general.ts';
import { identityProvider } from './settings/identity-provider.ts';
import { mail } from './settings/mail.ts';
import { model } from './settings/model.ts';
import { mongoDb } from './settings/mongodb.ts';
import { outgoingHttp } from './settings/outgoing-http.ts';
import { rabbitMqAndRedis } from './settings/rabbitmq-and-redis.ts';
import { requestsAndSessions } from './settings/requests-and-sessions.ts';
import { textsAtProviders } from './settings/texts-at-providers.ts';
import { traces } from './settings/traces.ts';

/** All settings, by the titles of their groups, in the order of the documentation. */
export const settings = {
  General: general,
  'Outgoing HTTP': outgoingHttp,
  'RabbitMQ and Redis': rabbitMqAndRedis,
  MongoDB: mongoDb,
  Encryption: encryption,
  'Accounts and tokens': accountsAndTokens,
  'Login at an identity provider': identityProvider,
  Mail: mail,
  'Audit trail': auditTrail,
  'Requests and sessions': requestsAndSessions,
  'Bridge and workflow': bridgeAndWorkflow,
  Model: model,
  'Texts at model providers': textsAtProviders,
  'Answer cache': answerCache,
  'Answer log': answerLog,
  Traces: traces,
} as const;

type Groups = typeof settings;
/** Each setting with its field, from all groups. */
type Entries = {
  [G in keyof Groups]: { [F in keyof Groups[G]]: { field: F; setting: Groups[G][F] } }[keyof Groups[G]];
}[keyof Groups];
/** The entry, if this process reads the setting. */
type ReadBy<R extends Reader, E extends Entries> = E extends { setting: { readBy: readonly (infer Q)[] } }
  ? R extends Q
    ? E
    : never
  : never;
type ValueOf<S> = S extends { type: z.ZodType<infer T> } ? T : never;

/** The values of the settings that a process reads, by field. */
export type ConfigOf<R extends Reader> = {
  [E in ReadBy<R, Entries> as E['field']]: ValueOf<E['setting']>;
};

export type ApiConfig = ConfigOf<'api'>;
export type WorkerConfig = ConfigOf<'worker'>;
