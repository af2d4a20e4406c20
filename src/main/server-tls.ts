import type { WorkerConfig } from '../config/settings.ts';
import type { ServerTls } from '../observability/http-server.ts';

/** What this process serves with; undefined: plain HTTP. */
export const serverTlsOf = ({
  tlsCertFile: cert,
  tlsKeyFile: key,
}: Pick<WorkerConfig, 'tlsCertFile' | 'tlsKeyFile'>): ServerTls | undefined =>
  cert && key ? { cert, key } : undefined;
