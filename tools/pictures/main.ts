import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startChromium } from '../services/chromium.ts';
import { pictureDashboard } from './dashboard.ts';

const HELP = `Takes the pictures of docs/images from a product that runs.

  npm run pictures                      of the dashboards that the documents show
  npm run pictures -- workflow          of other dashboards, by the names of dashboards/*.json

  --prometheus URL    default: http://localhost:9090
  --look-back MIN     how many minutes a picture shows; default: 15
  --rows N            how many rows of a dashboard are drawn, from the top; default: all
  --rate-interval T   what a rate looks back; default: 1m. It must be longer than Prometheus takes between its scrapes
  --to DIR            default: docs/images
`;

const root = join(import.meta.dirname, '../..');
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    prometheus: { type: 'string', default: 'http://localhost:9090' },
    'look-back': { type: 'string', default: '15' },
    rows: { type: 'string' },
    'rate-interval': { type: 'string', default: '1m' },
    to: { type: 'string', default: join(root, 'docs/images') },
    help: { type: 'boolean' },
  },
});

if (values.help) {
  process.stdout.write(HELP);
} else {
  mkdirSync(values.to, { recursive: true });
  const browser = await startChromium();
  try {
    for (const name of positionals.length > 0 ? positionals : ['overview']) {
      const file = join(values.to, `dashboard-${name}.png`);
      await pictureDashboard({
        browser,
        prometheusUrl: values.prometheus,
        name,
        file,
        lookBackS: Number(values['look-back']) * 60,
        ...(values.rows !== undefined && { rows: Number(values.rows) }),
        rateInterval: values['rate-interval'],
      });
      console.log(file);
    }
  } finally {
    await browser.close();
  }
}
