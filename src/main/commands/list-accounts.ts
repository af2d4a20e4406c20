import type { AccountAdmin } from '../../api/auth/manage-accounts.ts';
import type { AuditTrail } from '../../contracts/audit.ts';
import { type AccountList, accountListBody, type ListedAccount } from '../../contracts/http/admin-account-bodies.ts';
import { byCommand } from './audit-trail.ts';
import { printer, UsageError } from './command.ts';
import { textTable, timeText } from './text-table.ts';

/** What was given on the command line: the words of `POST /admin/accounts/list`. */
export interface ListOptions {
  search?: string;
  role?: string;
  state?: string;
  'second-factor'?: string;
  limit?: string;
  cursor?: string;
  json?: boolean;
}

/**
 * Prints accounts.
 * @throws UsageError
 */
export async function listAccounts(
  { admin, trail }: { admin: Pick<AccountAdmin, 'list'>; trail: Pick<AuditTrail, 'record'> },
  options: ListOptions,
): Promise<void> {
  const { search, role, state, 'second-factor': secondFactor, limit, cursor, json } = options;
  const listing = accountListBody.safeParse({
    ...{ search, role, state, cursor },
    // A word that is neither is refused.
    secondFactor: secondFactor && ({ with: true, without: false }[secondFactor] ?? secondFactor),
    limit: limit && Number(limit),
  });
  if (!listing.success) {
    const { path, message } = listing.error.issues[0]!;
    throw new UsageError(
      path[0] === 'secondFactor' ? '--second-factor: with or without' : `--${String(path[0])}: ${message}`,
    );
  }
  const list = await untilFull(admin, listing.data);
  await trail.record({
    ...{ action: 'account.list', actor: byCommand('users'), outcome: 'done' },
    details: { count: list.accounts.length },
  });
  printer(json)(list, textOf);
}

/** A call may find fewer than asked for, although there are more. */
async function untilFull(
  admin: Pick<AccountAdmin, 'list'>,
  listing: Parameters<AccountAdmin['list']>[0],
): Promise<AccountList> {
  const accounts: ListedAccount[] = [];
  let cursor = listing.cursor;
  for (;;) {
    const page = await admin.list({ ...listing, limit: listing.limit - accounts.length, cursor });
    accounts.push(...page.accounts);
    if (page.nextCursor === null || accounts.length >= listing.limit) return { accounts, nextCursor: page.nextCursor };
    cursor = page.nextCursor;
  }
}

function textOf({ accounts, nextCursor }: AccountList): string {
  if (accounts.length === 0) return 'no account matches\n';
  const rows = accounts.map((account) => {
    const { email, atProvider, role, disabledAt, secondFactorAt, lastLoginAt, userId } = account;
    return [
      email ?? '-',
      role,
      disabledAt === null ? 'enabled' : 'disabled',
      atProvider ? 'at the provider' : secondFactorAt === null ? 'without' : 'with',
      timeText(lastLoginAt),
      userId,
    ];
  });
  const more = nextCursor === null ? '' : `\nthere are more: --cursor ${nextCursor}\n`;
  return `${textTable(['email', 'role', 'state', 'second factor', 'last login', 'user id'], rows)}\n${more}`;
}
