import type { Panel } from '@grafana/grafana-foundation-sdk/dashboard';
import type { Browser } from 'playwright-core';
import { dashboards } from '../../dashboards/source/dashboards.ts';
import { drawPage, PAGE_WIDTH } from './draw/page.ts';
import { type Line, queryPanel } from './query-panel.ts';
import { takePicture } from './take-picture.ts';

/** About as many points as a panel is wide. */
const POINTS = 240;

/**
 * Draws a dashboard from the same queries that Grafana would send, and writes a picture. It is for documents: Grafana is not
 * needed.
 * @param options.name of the dashboard, such as `overview`
 * @param options.lookBackS how far it looks back, in s
 * @param options.rows how many of its rows are drawn, from the top; all if left out
 * @throws Error Prometheus cannot be asked, or there is no such dashboard
 */
export async function pictureDashboard(options: {
  browser: Browser;
  prometheusUrl: string;
  name: string;
  file: string;
  lookBackS: number;
  rows?: number;
  /** What a rate looks back. */
  rateInterval: string;
}): Promise<void> {
  const { browser, prometheusUrl, name, file, lookBackS, rows = Number.POSITIVE_INFINITY, rateInterval } = options;
  const dashboard = dashboards()[`${name}.json`];
  if (!dashboard) throw new Error(`there is no dashboard ${name}`);
  const to = Math.floor(Date.now() / 1000);
  const step = Math.max(1, Math.round(lookBackS / POINTS));
  const span = { from: to - step * Math.round(lookBackS / step), to, step };
  const withQueries = (dashboard.panels ?? []).filter((panel): panel is Panel => 'targets' in panel);
  const lines = new Map<Panel, Line[]>();
  for (const panel of withQueries) lines.set(panel, await queryPanel(panel, { prometheusUrl, span, rateInterval }));
  const html = drawPage(dashboard, { linesOf: (panel) => lines.get(panel) ?? [], span, rows });
  const page = await browser.newPage({ viewport: { width: PAGE_WIDTH, height: 900 } });
  await page.setContent(html);
  await takePicture(page, file, { fullPage: true });
  await page.close();
}
