/**
 * Stands for every login of a user among the ended logins, also for those that an identity provider has begun. Nobody has a
 * login with this id.
 */
export const allLoginsOf = (userId: string) => `user:${userId}`;

/** The ends of logins that end a token: that of its login, if it has one, and that of all logins of its user. */
export const endsOf = ({ userId, loginId }: { userId: string; loginId?: string | undefined }): string[] =>
  loginId === undefined ? [allLoginsOf(userId)] : [allLoginsOf(userId), loginId];
