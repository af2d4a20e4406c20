/** Each call of testRedisUrl takes one; this many are enough for a run. */
export const DATABASES = 2000;
