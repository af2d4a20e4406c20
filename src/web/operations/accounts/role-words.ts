import type { Role } from '../../../contracts/account.ts';

/** What people call the roles, and what each may do. */
export const roleWords: Record<Role, { name: string; may: string }> = {
  user: { name: 'user', may: 'ask, and read what is theirs' },
  operator: {
    name: 'operator',
    may: 'retry, cancel and redrive work, and pause the intake; an operator sees no texts',
  },
  privacy_officer: { name: 'privacy officer', may: 'read texts of users, if they give a reason' },
  admin: { name: 'admin', may: 'manage accounts, open and shut gates, and pause the intake; an admin sees no texts' },
};

export const allRoles = Object.keys(roleWords) as Role[];
