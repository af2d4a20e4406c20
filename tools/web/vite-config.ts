import { join } from 'node:path';
import type { InlineConfig } from 'vite';
import { compressAssets } from './compress-assets.ts';

const root = join(import.meta.dirname, '../..');

/** The pages, by name, and how many bytes of script each may load, compressed with gzip. Each is `src/web/NAME.html`. */
export const pages: Readonly<Record<string, { maxScriptBytes: number }>> = {
  chat: { maxScriptBytes: 100_000 },
  operations: { maxScriptBytes: 60_000 },
};

/**
 * How Vite builds the pages.
 * @param outDir where to
 */
export const viteConfig = (outDir: string): InlineConfig => ({
  root: join(root, 'src/web'),
  configFile: false,
  logLevel: 'warn',
  // The api serves a page at `/NAME` and its files at `/assets`, perhaps both under a prefix. So addresses are relative.
  base: './',
  publicDir: false,
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir,
    emptyOutDir: true,
    manifest: 'manifest.json',
    // The policy of the pages allows no inline scripts and no images within styles.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: { input: Object.keys(pages).map((name) => join(root, 'src/web', `${name}.html`)) },
  },
  plugins: [compressAssets()],
});
