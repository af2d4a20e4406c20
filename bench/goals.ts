import type { DrainResult } from './drain.ts';
import type { Results } from './results.ts';
import { ratios, spread } from './statistics.ts';

export interface Goal {
  what: string;
  against: string;
  /** The goal, in words. */
  toReach: string;
  /** undefined if the run has not measured it. */
  measured: string | undefined;
  reached: boolean;
}

/** The goals of the pipeline, and the results of this run. */
export function goals({ workloads, openLoop }: Results): Goal[] {
  const entriesOf = (workload: string) =>
    (workloads.find(({ name }) => name === workload)?.entries ?? []).filter(({ samples }) => samples.length > 0);
  const values = (workload: string, title: string, name: keyof DrainResult) =>
    entriesOf(workload)
      .find((entry) => entry.title.startsWith(title))
      ?.samples.map((sample) => sample[name]) ?? [];
  const median = (found: readonly number[]) => (found.length > 0 ? spread(found).median : undefined);
  const over = (workload: string, ours: string, theirs: string) =>
    median(ratios(values(workload, ours, 'perSecond'), values(workload, theirs, 'perSecond')));
  const atLeast = (what: string, against: string, least: number, ratio: number | undefined): Goal => ({
    what,
    against,
    toReach: `${least} x`,
    measured: ratio === undefined ? undefined : `${ratio.toFixed(2)} x`,
    reached: ratio !== undefined && ratio >= least,
  });
  const ours = (workload: string, theirs: string) => over(workload, 'this pipeline', theirs);

  const calls = median(values('burst', 'this pipeline', 'modelCalls'));
  const reads = median(values('round-trips', 'this pipeline', 'redisReads'));
  const half = (name: 'p50' | 'p99') => median(openLoop.map(({ results }) => results[1]!.pipeline.fromAccepted[name]));
  const [p50, p99] = [half('p50'), half('p99')];
  const [smallest, ...larger] = entriesOf('backlog').map(({ samples }) => ({
    costs: samples.map(({ cpuMs, redisCpuMs }) => cpuMs + redisCpuMs),
    memory: samples.map(({ memoryMb, redisMemoryMb }) => memoryMb + redisMemoryMb),
  }));
  const costs = smallest && [1, ...larger.map((backlog) => spread(ratios(backlog.costs, smallest.costs)).median)];
  const growth = larger.length > 0 && costs ? Math.max(...costs) / Math.min(...costs) : undefined;
  const [second, largest] = larger.slice(-2);
  const memoryGrowth = second && largest && median(ratios(largest.memory, second.memory));

  return [
    atLeast('drain, instant model', 'textbook BullMQ', 2.5, ours('instant', 'textbook')),
    atLeast('drain, instant model', 'flow of three jobs', 5, ours('instant', 'BullMQ flow')),
    atLeast('drain, instant model', 'Celery', 3, ours('instant', 'Celery')),
    atLeast('drain, instant model', 'plain consumer', 0.9, ours('instant', 'plain')),
    atLeast('drain, HTTP model at 0 ms', 'plain consumer', 1, ours('http-0', 'plain')),
    atLeast('drain, HTTP model at 50 ms', 'limit: broker and client, 25 at once', 0.95, ours('http-50', 'limit')),
    atLeast('half repeated', 'textbook BullMQ', 1.5, ours('repeated', 'textbook')),
    {
      what: 'burst of 1,000 identical',
      against: 'model calls for them',
      toReach: '1',
      // The warm-up also asked the model once.
      measured: calls === undefined ? undefined : String(calls - 1),
      reached: calls === 2,
    },
    {
      what: 'open loop at 50 %',
      against: "accepted to pushed, less the model's time, p50 / p99",
      toReach: '10 / 50 ms',
      measured: p50 === undefined || p99 === undefined ? undefined : `${p50.toFixed(0)} / ${p99.toFixed(0)} ms`,
      reached: p50 !== undefined && p99 !== undefined && p50 <= 10 && p99 <= 50,
    },
    {
      what: 'backlog, smallest to largest',
      against: 'CPU of worker and Redis per message',
      toReach: 'within 15 %',
      measured: growth === undefined ? undefined : `within ${Math.ceil((growth - 1) * 100)} %`,
      reached: growth !== undefined && growth <= 1.15,
    },
    {
      what: 'backlog, ten times the second largest',
      against: 'peak memory of worker and Redis',
      toReach: 'flat, within 15 %',
      measured: memoryGrowth === undefined ? undefined : `${memoryGrowth.toFixed(2)} x`,
      reached: memoryGrowth !== undefined && memoryGrowth <= 1.15,
    },
    {
      what: 'one message at a time',
      against: 'Redis reads per message (round trips)',
      toReach: '4 or fewer',
      measured: reads?.toFixed(1),
      reached: reads !== undefined && reads <= 4,
    },
    atLeast('two worker processes', 'one', 1.9, over('two-processes', 'two', 'one')),
  ];
}
