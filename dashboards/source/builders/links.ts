import { DashboardLinkBuilder, DashboardLinkType } from '@grafana/grafana-foundation-sdk/dashboard';
import type { JobStatus } from '../../../src/contracts/jobs.ts';

/**
 * The api as the operator's browser sees it. It is the value of a hidden variable of the dashboards, so another address can be
 * given in that of a dashboard: `?var-api=https://chat.example.org`.
 */
export const API = 'http://localhost:3000';

/** A page outside of Grafana, which opens in a new tab. */
export const pageLink = (title: string, url: string) => new DashboardLinkBuilder(title).url(url).targetBlank(true);

/** @param alert a name, or what Grafana puts a name in the place of */
export const runbookOf = (alert: string) => `$api/docs/runbooks/${alert}.md`;

/** What to do about an alert. */
export const runbookLink = (alert: string) => pageLink(`Runbook: ${alert}`, runbookOf(alert));

/** The jobs with a status, of all queues. Bull Board has a page for each queue, and a dashboard does not know how many there are. */
export const jobsLink = (status: JobStatus) =>
  pageLink(`Operations page: ${status} jobs`, `$api/admin#/jobs?status=${status}`);

/** What every dashboard links to at its top. */
export const topLinks = [
  new DashboardLinkBuilder('Dashboards')
    .type(DashboardLinkType.Dashboards)
    .tags(['healify'])
    .keepTime(true)
    .includeVars(true),
  pageLink('Operations page', '$api/admin'),
  pageLink('Bull Board', '$api/admin/queues'),
];
