import { buildPages, PAGES_DIR } from './web/build-pages.ts';

const HELP = `Builds the pages (src/web) into dist/web, where the api finds them. npm start and npm test do this, too.
If no source has changed, nothing is done.

  npm run build:web
`;

if (process.argv.includes('--help')) process.stdout.write(HELP);
else console.log((await buildPages()) ? `built ${PAGES_DIR}` : `${PAGES_DIR} is up to date`);
