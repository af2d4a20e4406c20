/** Who may make an account: everybody, only who has an invite, or nobody. Admins and the command `users` always may. */
export const registrations = ['open', 'invite', 'closed'] as const;

export type Registration = (typeof registrations)[number];
