import type { Reader, Setting } from '../../src/config/setting.ts';
import { fileVariableOf } from '../../src/config/setting-text.ts';
import { settingGroups } from './setting-groups.ts';

/** Settings that the chart decides: it names the ports, and takes the time to stop from `shutdownGrace`. */
const DECIDED_BY_CHART = [
  ...['SHUTDOWN_GRACE', 'API_PORT', 'WORKER_PORT', 'API_METRICS_PORT', 'WORKER_METRICS_PORT'],
  // An ingress ends TLS. The probes and the ServiceMonitors ask without it.
  ...['TLS_CERT_FILE', 'TLS_KEY_FILE'],
];

/** Returns the JSON Schema of the chart's values. helm refuses values that it does not accept. */
export const chartValuesSchema = () => ({
  $schema: 'http://json-schema.org/draft-07/schema#',
  $comment: 'Generated from src/config/settings/ by: npm run generate',
  ...record({
    // helm adds it where the chart is part of another one.
    global: { type: 'object' },
    image: record({
      repository: { type: 'string', minLength: 1 },
      tag: { type: 'string' },
      pullPolicy: { enum: ['Always', 'IfNotPresent', 'Never'] },
    }),
    imagePullSecrets: { type: 'array', items: record({ name: objectName }) },
    shutdownGrace: {
      type: 'string',
      pattern: '^\\d{1,7}(ms|s|m|h)$',
      description: 'A duration such as 20s. It is the setting SHUTDOWN_GRACE.',
    },
    env: environment(['api', 'worker']),
    api: record({ ...process('api'), autoscaling: apiAutoscaling }),
    worker: record({ ...process('worker'), autoscaling: workerAutoscaling }),
    networkPolicy: record({
      enabled: { type: 'boolean' },
      egress: {
        type: 'object',
        additionalProperties: record({
          from: { type: 'array', items: { enum: ['api', 'worker'] }, minItems: 1, uniqueItems: true },
          // In a NetworkPolicy, an empty list means everybody. That would be easy to overlook here.
          to: { ...peers, minItems: 1 },
          ports: { type: 'array', items: { type: 'object' }, minItems: 1 },
        }),
      },
      ingress: record({ api: peers, metrics: peers }),
    }),
    monitoring: record({
      enabled: { type: 'boolean' },
      labels: texts,
      token: record({ secret: { type: 'string' }, key: { type: 'string', minLength: 1 } }),
      runbookBaseUrl: { type: 'string', pattern: '^(https?://.+/)?$' },
      dashboardLabels: texts,
    }),
  }),
});

/** An object that has no other fields. Defaults fill the ones that are left out. */
const record = (properties: Record<string, object>) => ({
  type: 'object',
  properties,
  additionalProperties: false,
});

const objectName = { type: 'string', pattern: '^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$' };
const texts = { type: 'object', additionalProperties: { type: 'string' } };
const count = { type: 'integer', minimum: 1 };
const peers = { type: 'array', items: { type: 'object' } };

const apiAutoscaling = record({
  enabled: { type: 'boolean' },
  minReplicas: count,
  maxReplicas: count,
  cpuPercent: { ...count, maximum: 100 },
});

const workerAutoscaling = record({
  enabled: { type: 'boolean' },
  minReplicas: count,
  maxReplicas: count,
  requestsPerWorker: count,
  prometheusUrl: { type: 'string', pattern: '^https?://' },
});

const process = (name: Reader) => ({
  replicas: count,
  secrets: { type: 'array', items: objectName, minItems: 1, uniqueItems: true },
  env: environment([name]),
  resources: { type: 'object' },
  podAnnotations: texts,
  nodeSelector: texts,
  tolerations: { type: 'array', items: { type: 'object' } },
});

/** The variables of the settings that all these processes read. A secret may not be among the values, only in a file. */
const environment = (readers: readonly Reader[]) => ({
  type: 'object',
  properties: Object.fromEntries(
    settingGroups
      .flatMap(({ settings }) => settings)
      .filter(({ env, readBy }) => !DECIDED_BY_CHART.includes(env) && readers.every((each) => readBy.includes(each)))
      .filter((setting) => !isSecret(setting) || setting.mayBeInFile)
      .map((setting) => [
        setting.mayBeInFile ? fileVariableOf(setting) : setting.env,
        { type: 'string', description: descriptionOf(setting) },
      ]),
  ),
  patternProperties: {
    // Those of OpenTelemetry's exporter, which no list of ours has.
    '^OTEL_[A-Z_]+$': { type: 'string' },
    // The keys of fallbacks, whose names MODEL_FALLBACKS says.
    ...(readers.includes('worker') && { '^[A-Z][A-Z0-9_]*_API_KEY_FILE$': { type: 'string' } }),
  },
  additionalProperties: false,
});

const isSecret = ({ mayBeInFile, unit }: Setting) => mayBeInFile || unit === 'secret';

const descriptionOf = ({ text, unit, default: value, mayBeInFile }: Setting) =>
  `${mayBeInFile ? 'A file with it. ' : ''}${text} (${unit}${value ? `, default ${value}` : ''})`;
