/**
 * What deploy/prometheus/rules/service-level.yml promises: of the questions that end, and that no user cancelled, all but this
 * share are answered in time. To change it, change it there as well.
 */
export const ERROR_BUDGET = 0.01;

/** The time within which a question is answered in time, as a bucket of `healify_answer_seconds`. Prometheus 3 writes 60.0. */
export const IN_TIME = 'le=~"60([.]0)?"';
