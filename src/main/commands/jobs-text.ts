import type { JobStory, JobSummary, RetryReport } from '../../contracts/jobs.ts';
import { printable } from './printable.ts';
import { textTable, timeText } from './text-table.ts';

export function jobsText({ jobs, more }: { jobs: JobSummary[]; more: boolean }): string {
  if (jobs.length === 0) return 'No job matches.\n';
  const rows = jobs.map(({ requestId, status, code, userId, endedAt, addedAt, attempts }) => [
    timeText(endedAt ?? addedAt),
    status,
    code ?? '',
    requestId,
    userId ?? '-',
    String(attempts),
  ]);
  const table = textTable(['TIME', 'STATUS', 'CODE', 'REQUEST', 'USER', 'ATTEMPTS'], rows);
  return `${table}\n${more ? 'There are more: --limit shows them.\n' : ''}`;
}

export function storyText(job: JobStory): string {
  const lines = [
    `request     ${job.requestId}`,
    `session     ${job.sessionId ?? '-'}`,
    `user        ${job.userId ?? '-'}`,
    `trace       ${job.traceId ?? '-'}`,
    `status      ${job.status}${job.ahead === null ? '' : `, ${job.ahead} before it`}`,
    ...(job.code === null ? [] : [`code        ${job.code}`, `cause       ${job.cause}`]),
    ...(job.retry === null ? [] : [`retried     since ${timeText(job.retry.since)}, because of ${job.retry.code}`]),
    `attempts    ${job.attempts} of ${job.maxAttempts}, ${job.crashes} workers died over it`,
    `added       ${timeText(job.addedAt)}`,
    `taken       ${timeText(job.startedAt)}`,
    ...(job.nextAttemptAt === null ? [] : [`goes on     ${timeText(job.nextAttemptAt)}`]),
    `ended       ${timeText(job.endedAt)}`,
    `deadline    ${timeText(job.deadline)}`,
    ...(job.answer ? [`answer      ${answerText(job.answer)}`] : []),
    ...job.steps.map(({ step, attempt, ms, failed, waited }) =>
      waited
        ? `waited      for the gate of ${waited.gate}, attempt ${attempt}, ${ms} ms, turned away ${waited.times} times`
        : `step        ${step}, attempt ${attempt}, ${ms} ms${failed ? `: ${failed}` : ''}`,
    ),
    ...job.failures.map((failure) => `failure     ${failure}`),
  ];
  return lines.map((line) => `${printable(line)}\n`).join('');
}

function answerText({ provider, model, cached, usage }: NonNullable<JobStory['answer']>): string {
  const tokens = usage ? `, ${usage.totalTokens} tokens` : '';
  return `${provider ?? '-'} ${model ?? '-'}${cached ? ', from the cache' : ''}${tokens}`;
}

export function retryText(report: RetryReport): string {
  const { dryRun, matching, byCode, retried, left } = report;
  const codes = byCode.map(({ code, count }) => `  ${count} ${code}\n`).join('');
  if (dryRun) return `${jobs(matching)} to retry; nothing was changed\n${codes}`;
  return `${jobs(retried)} retried, ${left} left\n`;
}

const jobs = (count: number) => (count === 1 ? '1 job' : `${count} jobs`);
