import type { Builder, Dataquery } from '@grafana/grafana-foundation-sdk/cog';
import {
  BigValueColorMode,
  BigValueGraphMode,
  BigValueTextMode,
  GraphThresholdsStyleConfigBuilder,
  GraphThresholdsStyleMode,
  LegendDisplayMode,
  LegendPlacement,
  ReduceDataOptionsBuilder,
  SortOrder,
  StackingConfigBuilder,
  StackingMode,
  TooltipDisplayMode,
  VizLegendOptionsBuilder,
  VizTooltipOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common';
import {
  type DashboardLink,
  type DashboardLinkBuilder,
  FieldColorModeId,
  MappingType,
  ThresholdsConfigBuilder,
  ThresholdsMode,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { DataqueryBuilder } from '@grafana/grafana-foundation-sdk/prometheus';
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as TextBuilder, TextMode } from '@grafana/grafana-foundation-sdk/text';
import { PanelBuilder as LinesBuilder } from '@grafana/grafana-foundation-sdk/timeseries';
import { runbookLink } from './links.ts';

/** The variable with which a viewer chooses the Prometheus. */
export const DATASOURCE = { type: 'prometheus', uid: '$datasource' } as const;

/** Units of Grafana that we use. */
type Unit = 'short' | 's' | 'bytes' | 'Bps' | 'percentunit' | 'reqps' | 'ops' | 'currencyUSD';

/** From `value` on, a number has this color. The first step has no value. */
type Color = 'green' | 'orange' | 'red' | 'blue' | 'text';
type Step = [color: Color, value?: number];

/** A number, what it says, and its color. */
type Meaning = [value: number, text: string, color: 'green' | 'orange' | 'red'];

/** What all panels have that show queries. */
export interface Shown {
  title: string;
  /** What the panel shows, and what is normal. Shown beside the title. */
  about: string;
  unit?: Unit;
  steps?: Step[];
  /** What is shown where there is no number. */
  nothing?: string;
  /** Alerts whose runbooks the panel links to. */
  runbooks?: string[];
  links?: DashboardLinkBuilder[];
  /** Of 24. */
  width?: number;
  height?: number;
}

/** Queries, each with the name of its series. `{{label}}` in a name is the value of a label. */
type Queries = [legend: string, expr: string][];

/** What the builders of all kinds of panels have. */
interface PanelBuilder {
  title(title: string): this;
  description(text: string): this;
  datasource(datasource: typeof DATASOURCE): this;
  span(width: number): this;
  height(height: number): this;
  unit(unit: string): this;
  noValue(text: string): this;
  links(links: Builder<DashboardLink>[]): this;
  thresholds(thresholds: ThresholdsConfigBuilder): this;
  withTarget(target: Builder<Dataquery>): this;
}

/** Sets what all kinds of panels have. */
export function show<Panel extends PanelBuilder>(panel: Panel, shown: Shown): Panel {
  const { title, about, unit, steps, nothing, runbooks = [], links = [], width = 8, height = 8 } = shown;
  panel.title(title).description(about).datasource(DATASOURCE).span(width).height(height);
  panel.links([...runbooks.map(runbookLink), ...links]);
  if (unit) panel.unit(unit);
  if (nothing) panel.noValue(nothing);
  if (steps) panel.thresholds(thresholdsOf(steps));
  return panel;
}

const thresholdsOf = (steps: Step[]) =>
  new ThresholdsConfigBuilder()
    .mode(ThresholdsMode.Absolute)
    .steps(steps.map(([color, value = null]) => ({ color, value })));

/** A query for the panel's time. A stat shows its latest value. */
export const rangeQuery = (expr: string, legend: string, index: number) =>
  new DataqueryBuilder()
    .refId(String.fromCharCode('A'.charCodeAt(0) + index))
    .datasource(DATASOURCE)
    .expr(expr)
    .legendFormat(legend)
    .range();

/** Large numbers: what is now. */
export function numbers(options: Shown & { queries: Queries; meanings?: Meaning[]; named?: boolean }): StatBuilder {
  const { queries, meanings, named = false } = options;
  const panel = show(new StatBuilder(), { width: 4, height: 4, ...options })
    .colorMode(BigValueColorMode.Background)
    .graphMode(meanings ? BigValueGraphMode.None : BigValueGraphMode.Area)
    .textMode(named ? BigValueTextMode.ValueAndName : BigValueTextMode.Value)
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']));
  if (meanings) panel.mappings([meaningsOf(meanings)]);
  for (const [index, [legend, expr]] of queries.entries()) panel.withTarget(rangeQuery(expr, legend, index));
  return panel;
}

const meaningsOf = (meanings: Meaning[]) => ({
  type: MappingType.ValueToText as const,
  options: Object.fromEntries(
    meanings.map(([value, text, color], index) => [String(value), { text, color, index }] as const),
  ),
});

/**
 * Lines over time.
 * @param options.stacked the lines stand upon each other, so that their top is the sum
 * @param options.colors of some lines, by their names
 * @param options.traced the points of exemplars are shown, which lead to the logs of a request
 */
export function lines(
  options: Shown & { queries: Queries; stacked?: boolean; traced?: boolean; colors?: Record<string, Color> },
): LinesBuilder {
  const { queries, steps, stacked = false, traced = false, colors = {} } = options;
  const panel = show(new LinesBuilder(), options)
    .min(0)
    .lineWidth(1)
    .fillOpacity(stacked ? 30 : 8)
    .legend(
      new VizLegendOptionsBuilder()
        .showLegend(true)
        .displayMode(LegendDisplayMode.Table)
        .placement(LegendPlacement.Bottom)
        .calcs(['lastNotNull', 'max']),
    )
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi).sort(SortOrder.Descending));
  if (stacked) panel.stacking(new StackingConfigBuilder().mode(StackingMode.Normal).group('A'));
  if (steps) panel.thresholdsStyle(new GraphThresholdsStyleConfigBuilder().mode(GraphThresholdsStyleMode.Dashed));
  for (const [name, fixedColor] of Object.entries(colors))
    panel.overrideByName(name, [{ id: 'color', value: { mode: FieldColorModeId.Fixed, fixedColor } }]);
  for (const [index, [legend, expr]] of queries.entries())
    panel.withTarget(traced ? rangeQuery(expr, legend, index).exemplar(true) : rangeQuery(expr, legend, index));
  return panel;
}

/** Text in Markdown. */
export const text = (options: { title: string; content: string; width?: number; height?: number }): TextBuilder =>
  new TextBuilder()
    .title(options.title)
    .span(options.width ?? 12)
    .height(options.height ?? 8)
    .mode(TextMode.Markdown)
    .content(options.content);
