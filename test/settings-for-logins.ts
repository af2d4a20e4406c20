import { testRabbitMqUrl, testRedisUrl } from './services.ts';

/** What an api, and the commands that share its accounts, need for a test that logs in often. */
export const settingsForLogins = async (): Promise<Record<string, string>> => ({
  REDIS_URL: await testRedisUrl(),
  RABBITMQ_URL: await testRabbitMqUrl(),
  RATE_LOGIN_PER_MINUTE: '1000',
  JWT_SECRET: 'a secret of at least thirty-two bytes',
});
