import type { Dashboard, Panel } from '@grafana/grafana-foundation-sdk/dashboard';
import type { Line, Span } from '../query-panel.ts';
import { escapeHtml } from './format.ts';
import { drawLines } from './lines.ts';
import { drawNumbers } from './numbers.ts';
import { drawTable } from './table.ts';
import { drawText } from './text.ts';

const COLUMNS = 24;
const COLUMN_WIDTH = 64;
const ROW_HEIGHT = 34;
const GAP = 8;
/** A panel's title and its edges. */
const TITLE_HEIGHT = 34;
const EDGE = 10;

export const PAGE_WIDTH = COLUMNS * COLUMN_WIDTH + GAP;

const STYLE = `
  body { margin: 0; background: #111217; color: #d8d9da; font: 13px/1.4 system-ui, sans-serif; width: ${PAGE_WIDTH}px; }
  h1 { font-size: 20px; margin: 14px 16px 4px; } h1 small { font-weight: 400; color: #9fa3a9; font-size: 13px; margin-left: 12px; }
  .board { position: relative; }
  .panel, .row { position: absolute; box-sizing: border-box; }
  .panel { background: #181b1f; border: 1px solid #2b2e34; border-radius: 3px; padding: 6px ${EDGE}px; overflow: hidden; }
  .panel h2 { font-size: 13px; margin: 0 0 6px; font-weight: 600; }
  .row { font-size: 15px; font-weight: 600; padding: 6px 10px; }
  text { fill: #9fa3a9; font-size: 11px; } .grid { stroke: #2b2e34; }
  .legend .key { display: flex; gap: 8px; height: 16px; font-size: 11px; align-items: center; white-space: nowrap; }
  .legend i { width: 12px; height: 3px; flex: none; } .legend b { flex: 1; font-weight: 400; overflow: hidden; text-overflow: ellipsis; }
  .legend span { color: #9fa3a9; }
  .numbers { display: flex; gap: 4px; height: calc(100% - 26px); }
  .numbers div { flex: 1; min-width: 0; display: flex; flex-direction: column; align-items: center; justify-content: center;
    font-size: 20px; font-weight: 600; color: #fff; border-radius: 2px; text-align: center; overflow-wrap: anywhere; line-height: 1.2; }
  .numbers small { font-size: 10px; font-weight: 400; }
  .none { color: #9fa3a9; display: grid; place-items: center; height: 70%; }
  p { margin: 6px 0; font-size: 12px; } code { font-size: 11px; background: #22252b; padding: 0 3px; }
  table { border-collapse: collapse; width: 100%; font-size: 12px; } th, td { text-align: left; padding: 3px 8px; border-bottom: 1px solid #2b2e34; }
`;

/**
 * Draws a dashboard as a page, as Grafana would show it, without its links.
 * @param linesOf the lines of each panel
 * @param rows how many of its rows are drawn, from the top
 * @returns HTML
 */
export function drawPage(
  dashboard: Dashboard,
  options: { linesOf: (panel: Panel) => Line[]; span: Span; rows: number },
): string {
  const { linesOf, span, rows } = options;
  const panels = dashboard.panels ?? [];
  const end = panels.filter(({ type }) => type === 'row')[rows]?.gridPos?.y ?? Number.POSITIVE_INFINITY;
  const drawn = panels.filter(({ gridPos }) => gridPos!.y < end);
  const bottom = Math.max(...drawn.map(({ gridPos }) => gridPos!.y + gridPos!.h));
  const boxes = drawn.map((panel) => {
    const { x, y, w, h } = panel.gridPos!;
    const [width, height] = [w * COLUMN_WIDTH - GAP, h * ROW_HEIGHT - GAP];
    const place = `left:${GAP + x * COLUMN_WIDTH}px;top:${y * ROW_HEIGHT}px;width:${width}px;height:${height}px`;
    const title = escapeHtml(panel.title ?? '');
    if (panel.type === 'row') return `<div class="row" style="${place}">${title}</div>`;
    const inner = { width: width - 2 * EDGE - 2, height: height - TITLE_HEIGHT - 6, span };
    return `<div class="panel" style="${place}"><h2>${title}</h2>${draw(panel as Panel, linesOf(panel as Panel), inner)}</div>`;
  });
  const { title = '', description = '' } = dashboard;
  return `<!doctype html><meta charset="utf-8"><style>${STYLE}</style><h1>${escapeHtml(title)}<small>${escapeHtml(description)}</small></h1>
    <div class="board" style="height:${bottom * ROW_HEIGHT + GAP}px">${boxes.join('')}</div>`;
}

function draw(panel: Panel, lines: Line[], size: { width: number; height: number; span: Span }): string {
  if (panel.type === 'stat') return drawNumbers(panel, lines);
  if (panel.type === 'table') return drawTable(lines, size.span.to, panel.fieldConfig?.defaults.noValue);
  if (panel.type === 'text') return drawText(panel.options.content);
  return drawLines(panel, lines, size);
}
