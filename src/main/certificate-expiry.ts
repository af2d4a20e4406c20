import { X509Certificate } from 'node:crypto';
import { general } from '../config/settings/general.ts';
import { mongoDb } from '../config/settings/mongodb.ts';
import { rabbitMqAndRedis } from '../config/settings/rabbitmq-and-redis.ts';
import type { WorkerConfig } from '../config/settings.ts';
import type { WorkerMetrics } from '../observability/metrics.ts';

const OWN = { tlsCertFile: general.tlsCertFile.env, rabbitmqCertFile: rabbitMqAndRedis.rabbitmqCertFile.env } as const;
const AUTHORITIES = {
  rabbitmqCaFile: rabbitMqAndRedis.rabbitmqCaFile.env,
  redisCaFile: rabbitMqAndRedis.redisCaFile.env,
  mongodbCaFile: mongoDb.mongodbCaFile.env,
} as const;

type Files = Pick<WorkerConfig, keyof typeof OWN | keyof typeof AUTHORITIES>;

/**
 * Shows when the certificates end that this process has read: its own, which come first in their files, and those of authorities.
 * What cannot be read is left out, because whoever uses it says so.
 */
export function showCertificateExpiry(config: Files, gauge: WorkerMetrics['certificateExpiry']): void {
  const show = (setting: string, file: Buffer | undefined, endOf: (ends: number[]) => number | undefined) => {
    const endMs = endOf(file ? endsIn(file) : []);
    if (endMs !== undefined) gauge.set({ setting }, endMs / 1000);
  };
  for (const [field, setting] of Object.entries(OWN)) show(setting, config[field as keyof Files], ([first]) => first);
  for (const [field, setting] of Object.entries(AUTHORITIES))
    show(setting, config[field as keyof Files], (ends) => (ends.length > 0 ? Math.max(...ends) : undefined));
}

function endsIn(file: Buffer): number[] {
  const pems = file.toString('latin1').match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  try {
    return pems.map((pem) => new X509Certificate(pem).validToDate.getTime());
  } catch {
    return [];
  }
}
