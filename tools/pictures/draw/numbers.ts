import { MappingType, type Panel } from '@grafana/grafana-foundation-sdk/dashboard';
import type { Line } from '../query-panel.ts';
import { escapeHtml, formatValue } from './format.ts';

const COLORS: Record<string, string> = { green: '#1a7f37', orange: '#b35900', red: '#c4162a', text: '#3b3f45' };

/** Draws the latest value of each line as a large number on its color. */
export function drawNumbers(panel: Panel, lines: Line[]): string {
  const { unit, noValue = 'no data' } = panel.fieldConfig?.defaults ?? {};
  const boxes = lines.flatMap(({ name, points }) => {
    const value = points.map(([, each]) => each).findLast(Number.isFinite);
    if (value === undefined) return [];
    const { text = formatValue(value, unit), color = colorOf(panel, value) } = meaningOf(panel, value);
    return [{ text, color, name: panel.options.textMode === 'value_and_name' ? name : '' }];
  });
  if (boxes.length === 0) boxes.push({ text: noValue, color: 'text', name: '' });
  return `<div class="numbers">${boxes
    .map(
      ({ text, color, name }) =>
        `<div style="background:${COLORS[color] ?? COLORS.text}"><small>${escapeHtml(name)}</small>${escapeHtml(text)}</div>`,
    )
    .join('')}</div>`;
}

function meaningOf(panel: Panel, value: number): { text?: string; color?: string } {
  for (const mapping of panel.fieldConfig?.defaults.mappings ?? []) {
    if (mapping.type === MappingType.ValueToText) return mapping.options[String(value)] ?? {};
  }
  return {};
}

/** The color of the last step that the value has reached. */
const colorOf = (panel: Panel, value: number): string =>
  panel.fieldConfig?.defaults.thresholds?.steps.findLast((step) => value >= (step.value ?? Number.NEGATIVE_INFINITY))
    ?.color ?? 'text';
