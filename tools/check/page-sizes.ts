import { buildPages, PAGES_DIR } from '../web/build-pages.ts';
import { scriptBytes } from '../web/script-bytes.ts';
import { pages } from '../web/vite-config.ts';

const HELP = `Builds the pages, and says how many bytes of compressed script each loads. Exits with 1 if it is too much for one.

  node tools/check/page-sizes.ts
`;

if (process.argv.includes('--help')) {
  process.stdout.write(HELP);
} else {
  await buildPages();
  for (const [page, { maxScriptBytes }] of Object.entries(pages)) {
    const bytes = scriptBytes(PAGES_DIR, page);
    console.log(`${page}: ${bytes} bytes of compressed script, of at most ${maxScriptBytes}`);
    if (bytes > maxScriptBytes) process.exitCode = 1;
  }
}
