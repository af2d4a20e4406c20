import { auditActions } from '../../src/contracts/audit.ts';

/** The tables of `docs/security.md`: what the audit trail records. */
export const securityTables = () =>
  [
    '## What the audit trail records',
    '',
    '| `action` | what happened |',
    '|---|---|',
    ...Object.entries(auditActions).map(([action, text]) => `| \`${action}\` | ${text} |`),
  ].join('\n');
