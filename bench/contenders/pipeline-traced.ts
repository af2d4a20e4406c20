import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

// The worker with every trace kept, and a collector that throws the spans away.
const collector = fork(join(import.meta.dirname, 'discard-spans.ts'));
const [port] = (await once(collector, 'message')) as [number];
process.env.OTEL_EXPORTER_OTLP_ENDPOINT = `http://127.0.0.1:${port}`;
await import('./pipeline.ts');
