import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { findOrStartProduct } from '../demo/product.ts';
import { sendDay } from '../demo/send-day.ts';
import { startChromium } from '../services/chromium.ts';
import { demoAccounts } from '../start/accounts.ts';
import { pictureDashboard } from './dashboard.ts';
import { screens } from './screens.ts';

/** A day's traffic, before the pictures are taken. */
const DAY = { questions: 3_000, lengthMs: 150_000 };
const DASHBOARD = /^dashboard-(.+)$/;
const ALL = [...Object.keys(screens), 'dashboard-overview'];

const HELP = `Takes the pictures of docs/images from a product that runs, and shows that it can still do what they show.

  npm run pictures                               all pictures of the documents
  npm run pictures -- chat-page --no-demo        one of them, without sending traffic first
  npm run pictures -- dashboard-workflow         another dashboard, by its name in dashboards/*.json

It uses the product that npm start runs, or starts it and stops it again. The simulator answers. First it sends traffic as npm run demo
does, for ${DAY.lengthMs / 1000} s. Pictures: ${ALL.join(', ')}.

  --no-demo           send no traffic
  --data DIR          the product that runs with this data folder (npm start -- --data DIR)
  --look-back MIN     how many minutes a dashboard shows; default: 5
  --rows N            how many rows of a dashboard are drawn, from the top; default: all
  --rate-interval T   what a rate looks back; default: 1m. It must be longer than Prometheus takes between its scrapes
  --to DIR            default: docs/images
`;

const root = join(import.meta.dirname, '../..');
const { values, positionals } = parseArgs({
  allowPositionals: true,
  allowNegative: true,
  options: {
    demo: { type: 'boolean', default: true },
    data: { type: 'string', default: join(root, '.data') },
    'look-back': { type: 'string', default: '5' },
    rows: { type: 'string' },
    'rate-interval': { type: 'string', default: '1m' },
    to: { type: 'string', default: join(root, 'docs/images') },
    help: { type: 'boolean' },
  },
});

async function run(): Promise<void> {
  // The order of ALL counts: see `screens`.
  const wanted = positionals.length > 0 ? ALL.filter((name) => positionals.includes(name)) : ALL;
  const others = positionals.filter((name) => !ALL.includes(name));
  const unknown = others.find((name) => !DASHBOARD.test(name));
  if (unknown !== undefined) throw new Error(`There is no picture ${unknown}. There are: ${ALL.join(', ')}.`);
  mkdirSync(values.to, { recursive: true });
  const dataDir = resolve(values.data);
  const product = await findOrStartProduct(dataDir);
  try {
    const browser = await startChromium();
    try {
      if (values.demo) await sendDay(product, DAY);
      const scene = { ...product, browser, operator: demoAccounts(dataDir).operator };
      for (const name of [...wanted, ...others]) {
        const file = join(values.to, `${name}.webp`);
        const dashboard = DASHBOARD.exec(name)?.[1];
        if (dashboard === undefined) await screens[name]!(scene, file);
        else if (product.prometheusUrl === undefined) throw new Error('Dashboards need Prometheus: install it.');
        else {
          await pictureDashboard({
            browser,
            prometheusUrl: product.prometheusUrl,
            name: dashboard,
            file,
            lookBackS: Number(values['look-back']) * 60,
            ...(values.rows !== undefined && { rows: Number(values.rows) }),
            rateInterval: values['rate-interval'],
          });
        }
        console.log(file);
      }
    } finally {
      await browser.close();
    }
  } finally {
    await product.started?.stop();
  }
}

if (values.help) process.stdout.write(HELP);
else await run();
