/** How many databases the tests' Redis has. Each call of testRedisUrl takes one. */
export const DATABASES = 2000;
