import { brokerUser } from '../contracts/broker-urls.ts';
import { ConfigError } from '../contracts/errors.ts';
import { isLoopback } from '../contracts/loopback.ts';
import { asksForAll } from '../contracts/publishers.ts';
import { textRefusal } from '../contracts/text-permission.ts';
import { plainConnectionProblems } from './plain-connections.ts';
import type { Reader, Setting } from './setting.ts';
import { namedSecret, settingText } from './setting-text.ts';
import { type ApiConfig, type ConfigOf, settings, type WorkerConfig } from './settings.ts';

type Environment = Record<string, string | undefined>;

/**
 * Reads the api's settings.
 * @throws ConfigError with everything that is wrong
 */
export function loadApiConfig(env: Environment): ApiConfig {
  return load('api', env, (config) => {
    const problems = serverProblems(config);
    problems.push(...plainProblems('api', config, env));
    if (config.nodeEnv === 'production' && config.jwtSecret.length === 0 && !config.jwtJwksUrl) {
      problems.push(
        'JWT_SECRET is required in production, or JWT_JWKS_URL; make a secret with: openssl rand -base64 48',
      );
    }
    if (config.smtpUrl && (!config.mailFrom || !config.publicUrl)) {
      problems.push('MAIL_FROM and PUBLIC_URL are required with SMTP_URL');
    }
    if (config.verifiedMail === 'required' && !config.smtpUrl) problems.push('VERIFIED_MAIL=required needs SMTP_URL');
    problems.push(...identityProviderProblems(config));
    return problems;
  });
}

/**
 * Reads the worker's settings.
 * @throws ConfigError with everything that is wrong
 */
export function loadWorkerConfig(env: Environment): WorkerConfig {
  return load('worker', env, (config) => {
    const problems = serverProblems(config);
    problems.push(...plainProblems('worker', config, env));
    if (config.nodeEnv === 'production' && !config.openaiApiKey) {
      problems.push('OPENAI_API_KEY is required in production');
    }
    if (config.nodeEnv !== 'production' && !config.openaiApiKey && !config.modelSimulatorUrl) {
      problems.push('OPENAI_API_KEY is required, or MODEL_SIMULATOR_URL outside production');
    }
    problems.push(...textProblems(config));
    if ((config.pricePrompt === undefined) !== (config.priceCompletion === undefined)) {
      problems.push('PRICE_PROMPT and PRICE_COMPLETION must be set together');
    }
    for (const { name, apiKeyEnv } of config.modelFallbacks) {
      try {
        if (!namedSecret(apiKeyEnv, env))
          problems.push(`MODEL_FALLBACKS: ${apiKeyEnv}, the key of ${name}, is not set`);
      } catch (error) {
        problems.push(...problemsOf(error));
      }
    }
    return problems;
  });
}

/** Longer than a request usually waits. */
const LEAST_CLAIM_MS = 24 * 3_600_000;

/** What a login at an identity provider needs. */
function identityProviderProblems(config: ApiConfig): string[] {
  const { oidcIssuer, oidcClientId, publicUrl, jwtJwksUrl, passwordLogin, adminOverHttp } = config;
  if (!oidcIssuer) return passwordLogin ? [] : ['PASSWORD_LOGIN can be false only with OIDC_ISSUER'];
  const problems: string[] = [];
  if (jwtJwksUrl)
    problems.push(
      'OIDC_ISSUER and JWT_JWKS_URL must not both be set: the same person would be two users, one of our own and one of the provider, each with its own conversations and role; docs/configuration.md says what to do instead',
    );
  if (!oidcClientId || !publicUrl) problems.push('OIDC_CLIENT_ID and PUBLIC_URL are required with OIDC_ISSUER');
  const { protocol, hostname } = new URL(publicUrl ?? 'https://none');
  if (protocol === 'http:' && !isLoopback(hostname) && !adminOverHttp) {
    problems.push(
      'PUBLIC_URL must be https with OIDC_ISSUER, because browsers keep the cookies of a login over https only',
    );
  }
  return problems;
}

/** The key in docker-compose.yml, which everybody can read. */
const KNOWN_KEY = /^known-to-everybody-/;

/** What both processes check of the servers that they talk to. */
const serverProblems = (config: ApiConfig | WorkerConfig): string[] => [
  ...signingProblems(config),
  ...tlsProblems(config),
  ...metricsProblems(config),
  ...publisherProblems(config),
  ...shardProblems(config),
];

/** A claim of a request's id holds as long as finished requests are recognised. It must not end while the request waits. */
const shardProblems = ({ jobShards, redeliveryWindowMs }: Pick<WorkerConfig, 'jobShards' | 'redeliveryWindowMs'>) =>
  jobShards > 1 && redeliveryWindowMs < LEAST_CLAIM_MS
    ? ['REDELIVERY_WINDOW must be 24h or longer with JOB_SHARDS']
    : [];

/** What this process publishes must pass the check of the workers. */
function publisherProblems({ publishers, rabbitmqUrl }: Pick<WorkerConfig, 'publishers' | 'rabbitmqUrl'>): string[] {
  if (publishers.length === 0) return [];
  const user = brokerUser(rabbitmqUrl);
  if (user === undefined) return ['PUBLISHERS needs a RABBITMQ_URL that names its user'];
  if (asksForAll(publishers, user)) return [];
  return [`PUBLISHERS must let the user of RABBITMQ_URL ask for everybody: add ${user}:*`];
}

/** At least one provider may be given texts. The simulator always may. */
function textProblems(config: WorkerConfig): string[] {
  if (!config.openaiApiKey) return [];
  const first = { name: 'OPENAI_BASE_URL', region: config.modelRegion, agreement: config.modelAgreement };
  const providers = [first, ...config.modelFallbacks];
  const refused = providers.map((one) => [one.name, textRefusal(one, config)] as const);
  if (refused.some(([, why]) => why === undefined)) return [];
  const reasons = refused.map(([name, why]) =>
    why === 'region' ? `${name} is in no region of TEXT_REGIONS` : `${name} has no agreement`,
  );
  return [
    `no model provider may be given texts (${reasons.join('; ')}): set MODEL_REGION and MODEL_AGREEMENT for OPENAI_BASE_URL, "region" and "agreement" in MODEL_FALLBACKS, or change TEXT_REGIONS and TEXT_AGREEMENT_REQUIRED`,
  ];
}

/** A certificate needs its key, and both need TLS. */
function tlsProblems(
  config: Pick<WorkerConfig, 'tlsCertFile' | 'tlsKeyFile' | 'rabbitmqCertFile' | 'rabbitmqKeyFile' | 'rabbitmqUrl'>,
): string[] {
  const { tlsCertFile, tlsKeyFile, rabbitmqCertFile, rabbitmqKeyFile, rabbitmqUrl } = config;
  if (!tlsCertFile !== !tlsKeyFile) return ['TLS_CERT_FILE and TLS_KEY_FILE must be set together'];
  if (!rabbitmqCertFile !== !rabbitmqKeyFile) return ['RABBITMQ_CERT_FILE and RABBITMQ_KEY_FILE must be set together'];
  if (rabbitmqCertFile && !rabbitmqUrl.startsWith('amqps:'))
    return ['RABBITMQ_CERT_FILE needs a RABBITMQ_URL with amqps://'];
  return [];
}

const metricsProblems = (config: Pick<WorkerConfig, 'metricsToken' | 'metricsTokenFile'>): string[] =>
  config.metricsToken && config.metricsTokenFile ? ['METRICS_TOKEN and METRICS_TOKEN_FILE must not both be set'] : [];

/** Addresses to connect to that are no settings, because packages read them by themselves. */
const READ_BY_PACKAGES = ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'http_proxy', 'https_proxy'];

/** In production, all that a process connects to must have TLS. */
function plainProblems<R extends Reader>(
  reader: R,
  config: ConfigOf<R> & Pick<WorkerConfig, 'nodeEnv' | 'plaintextHosts'>,
  env: Environment,
): string[] {
  if (config.nodeEnv !== 'production') return [];
  const fields: Readonly<Record<string, unknown>> = config;
  const connections = settingsOf(reader).filter(([, { connects }]) => connects);
  const urls = [
    ...connections.map(([field, setting]) => [setting.env, textsIn(fields[field])]),
    ...READ_BY_PACKAGES.map((name) => [name, textsIn(env[name])]),
  ];
  return plainConnectionProblems(Object.fromEntries(urls), config.plaintextHosts ?? []);
}

/** The texts in a value, however deep. */
const textsIn = (value: unknown): string[] =>
  typeof value === 'string' ? [value] : Object.values(value ?? {}).flatMap(textsIn);

function signingProblems(
  config: Pick<WorkerConfig, 'messageSigningKey' | 'acceptUnsignedAnswers' | 'nodeEnv'>,
): string[] {
  const { messageSigningKey: keys, acceptUnsignedAnswers, nodeEnv } = config;
  if (keys.length === 0 && !acceptUnsignedAnswers) {
    return ['MESSAGE_SIGNING_KEY is required, the same for api and workers; make one with: openssl rand -base64 48'];
  }
  if (nodeEnv === 'production' && keys.some((key) => KNOWN_KEY.test(key))) {
    return ['MESSAGE_SIGNING_KEY is the one of docker-compose.yml, which everybody knows: set your own'];
  }
  return [];
}

/** @throws what is no ConfigError */
function problemsOf(error: unknown): readonly string[] {
  if (error instanceof ConfigError) return error.problems;
  throw error;
}

/** The settings that a process reads, each with its field. */
const settingsOf = (reader: Reader): [field: string, Setting][] =>
  Object.values(settings)
    .flatMap((group) => Object.entries<Setting>(group))
    .filter(([, { readBy }]) => readBy.includes(reader));

function load<R extends Reader>(reader: R, env: Environment, check: (config: ConfigOf<R>) => string[]): ConfigOf<R> {
  const config: Record<string, unknown> = {};
  const problems: string[] = [];
  for (const [key, setting] of settingsOf(reader)) {
    let text: string | undefined;
    try {
      text = settingText(setting, env);
    } catch (error) {
      problems.push(...problemsOf(error));
      continue;
    }
    if (text === undefined) {
      problems.push(`${setting.env} is required: ${setting.text}`);
      continue;
    }
    const parsed = setting.type.safeParse(text);
    if (parsed.success) config[key] = parsed.data;
    else problems.push(...parsed.error.issues.map((issue) => `${setting.env} ${issue.message}`));
  }
  if (problems.length === 0) problems.push(...check(config as ConfigOf<R>));
  if (problems.length > 0) throw new ConfigError(problems);
  return config as ConfigOf<R>;
}
