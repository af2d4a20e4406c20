import { adminRights, type StaffRole } from '../../src/contracts/admin-rights.ts';
import { auditActions } from '../../src/contracts/audit.ts';

const STAFF = ['operator', 'privacy_officer', 'admin'] as const satisfies StaffRole[];

/** The tables of `docs/security.md`: who may do what at `/admin`, and what the audit trail records. */
export const securityTables = () =>
  [
    '## Who may do what at /admin',
    '',
    '| endpoint | operator | privacy officer | admin |',
    '|---|---|---|---|',
    ...Object.entries(adminRights).map(([right, allowed]) => {
      const cells = STAFF.map((role) => ((allowed as readonly StaffRole[]).includes(role) ? 'yes' : ''));
      return `| \`${right}\` | ${cells.join(' | ')} |`;
    }),
    '',
    '## What the audit trail records',
    '',
    '| `action` | what happened |',
    '|---|---|',
    ...Object.entries(auditActions).map(([action, text]) => `| \`${action}\` | ${text} |`),
  ].join('\n');
