import { z } from 'zod';

export const operatorLinks = z
  .object({
    trace: z.string().nullable().describe('The address of a trace, with `{traceId}` at its place; null: not known.'),
    logs: z
      .string()
      .nullable()
      .describe('The address of the log lines of a trace, once its id is added at the end; null: not known.'),
    dashboards: z.string().nullable().describe('The address of the dashboards; null: not known.'),
  })
  .meta({ id: 'OperatorLinks', description: 'Where else an operator can look.' });

export type OperatorLinks = z.output<typeof operatorLinks>;
