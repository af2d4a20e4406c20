import type { Reader } from '../../src/config/setting.ts';
import { fileVariableOf } from '../../src/config/setting-text.ts';
import { settingGroups } from './setting-groups.ts';

/**
 * Settings that docker-compose.yml decides for its containers, so its lists do not pass them on. Some are set at the
 * service, because servers have other names among the containers. Some are set by docker-compose.production.yml and
 * docker-compose.tls.yml. The others keep their defaults inside a container, and the service's `ports` lead to them.
 */
export const DECIDED_BY_COMPOSE = {
  atTheService: ['NODE_ENV', 'RABBITMQ_URL', 'REDIS_URL', 'MONGODB_URL', 'MODEL_SIMULATOR_URL', 'METRICS_HOST'],
  inOtherFiles: ['RABBITMQ_PASSWORD', 'REDIS_PASSWORD', 'MONGODB_PASSWORD', 'TLS_CERT_FILE', 'TLS_KEY_FILE'],
  keepTheirDefaults: ['HOST', 'API_PORT', 'WORKER_PORT', 'API_METRICS_PORT', 'WORKER_METRICS_PORT'],
};

/**
 * What compose passes on if neither the environment nor .env has a value. For other variables, the setting's own
 * default is used.
 */
const COMPOSE_DEFAULTS: Record<string, string> = {
  // Everybody can read it, so src/config/load.ts refuses it in production.
  MESSAGE_SIGNING_KEY: 'known-to-everybody-and-for-trying-out-only',
};

/**
 * Returns the settings that docker-compose.yml passes on to one process, as YAML. A variable without a value comes from
 * outside.
 */
export const composeSettings = (process: Reader) =>
  [
    `x-${process}-settings: &${process}-settings`,
    ...passedOnTo(process).map((env) => `  ${env}:${composeValueOf(env)}`),
  ].join('\n');

const passedOnTo = (process: Reader) =>
  settingGroups
    .flatMap(({ settings }) => settings)
    .filter(({ env, readBy }) => readBy.includes(process) && !Object.values(DECIDED_BY_COMPOSE).flat().includes(env))
    .flatMap((setting) => (setting.mayBeInFile ? [setting.env, fileVariableOf(setting)] : [setting.env]));

const composeValueOf = (env: string) => (env in COMPOSE_DEFAULTS ? ` \${${env}:-${COMPOSE_DEFAULTS[env]}}` : '');
