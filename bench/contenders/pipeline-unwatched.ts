import { registerHooks } from 'node:module';
import { Counter, Gauge } from 'prom-client';

// The worker with nothing counted, nothing logged and no lines for the search over jobs, to see what these cost. The product
// has no setting for that, so this file takes the parts out.

/** By the end of their address: the modules that are replaced, and by what. */
const REPLACED = {
  '/metric-series.ts': './no-metric-series.ts',
  '/ended-log.ts': './no-ended-log.ts',
};

registerHooks({
  resolve: (specifier, context, next) => {
    const replaced = Object.entries(REPLACED).find(([end]) => specifier.endsWith(end));
    if (!replaced || context.parentURL?.includes('/bench/')) return next(specifier, context);
    return { url: new URL(replaced[1], import.meta.url).href, shortCircuit: true };
  },
});
const nothing = () => {};
for (const { prototype } of [Counter, Gauge]) {
  const methods = prototype as unknown as Record<string, () => void>;
  // A counter's `inc` is one of its other methods.
  for (const name of ['incWithoutExemplar', 'inc', 'dec', 'set']) if (methods[name]) methods[name] = nothing;
}
process.env.LOG_LEVEL = 'silent';
await import('./pipeline.ts');
