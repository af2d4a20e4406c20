/**
 * Stands for every login of a user among the ended logins, also for those that an identity provider has begun. Nobody has a
 * login with this id.
 */
export const allLoginsOf = (userId: string) => `user:${userId}`;
