import { createRequire } from 'node:module';

// The package's types describe what `require` gives; what `import` gives is another thing.
const { default: Sequencer } = createRequire(import.meta.url)(
  '@jest/test-sequencer',
) as typeof import('@jest/test-sequencer');
type Tests = Parameters<InstanceType<typeof Sequencer>['sort']>[0];

/**
 * Test files that take long, with their seconds on two cores. jest measures this itself, but a fresh clone, such as CI
 * has, knows nothing yet. Only the order counts: a file belongs here if it takes more than about 20 s.
 */
export const LONG_FILES: Record<string, number> = {
  'test/e2e/retention.test.ts': 150,
  'test/chaos/chaos.test.ts': 97,
  'test/e2e/faults/answer.test.ts': 88,
  'test/e2e/faults/servers-refuse.test.ts': 82,
  'test/fuzz/schemathesis.test.ts': 79,
  'test/fuzz/fuzz.test.ts': 78,
  'test/e2e/faults/shared-work.test.ts': 70,
  'test/deploy/alerts.test.ts': 69,
  'test/chaos/cluster.test.ts': 60,
  'test/chaos/streams.test.ts': 56,
  'test/e2e/openid-login.test.ts': 49,
  'test/e2e/user-erased.test.ts': 45,
  'test/e2e/streamed-through-deaths.test.ts': 42,
  'test/e2e/chat-page.test.ts': 40,
  'test/e2e/cache-scopes.test.ts': 40,
  'test/e2e/asked-together.test.ts': 39,
  'test/e2e/start.test.ts': 38,
  'test/e2e/account-page.test.ts': 34,
  'test/api/admin/login.test.ts': 34,
  'test/adapters/conversations/mongodb-conversation-store.test.ts': 33,
  'test/api/accounts.test.ts': 31,
  'test/main/audit.test.ts': 30,
  'test/e2e/operations-page-for-all.test.ts': 29,
  'test/upgrade/rolling-upgrade.test.ts': 28,
  'test/e2e/encrypted-at-rest.test.ts': 28,
  'test/adapters/rabbitmq/batch-consumer.test.ts': 27,
  'test/adapters/jobs/runner/job-runner.test.ts': 27,
  'test/adapters/rabbitmq/publisher.test.ts': 26,
  'test/e2e/faults/request.test.ts': 25,
  'test/adapters/rabbitmq/connection.test.ts': 25,
  'test/observability/http-server.test.ts': 24,
  'test/e2e/operations-page.test.ts': 24,
  'test/api/identity-provider.test.ts': 24,
  'test/e2e/chat-page-for-all.test.ts': 23,
  'test/api/realtime/socket/sockets.test.ts': 23,
  'test/e2e/python-examples.test.ts': 22,
  'test/e2e/faults/redis-failover.test.ts': 22,
  'test/adapters/redis/connect-redis.test.ts': 22,
  'test/e2e/rabbitmq-cluster.test.ts': 21,
  'test/e2e/faults/response.test.ts': 20,
  'test/adapters/redis/safe-writes.test.ts': 20,
  'test/api/second-factor.test.ts': 19,
  'test/e2e/deadline-and-spend.test.ts': 18,
  'test/dashboards/queries.test.ts': 18,
  'test/e2e/worker-stops.test.ts': 17,
  'test/e2e/servers-start-late.test.ts': 25,
  'test/main/installation.test.ts': 16,
  'test/tools/start/supervise-server.test.ts': 15,
  'test/e2e/traces-off.test.ts': 15,
  'test/e2e/stream-resumed.test.ts': 15,
  'test/docs/app-developers.test.ts': 15,
  'test/api/signed-answers.test.ts': 15,
  'test/main/redis-rights.test.ts': 14,
  'test/main/jobs.test.ts': 14,
  'test/main/certificates.test.ts': 14,
  'test/e2e/worker-killed.test.ts': 14,
  'test/e2e/redis-with-replicas.test.ts': 14,
  'test/e2e/no-text-at-rest.test.ts': 14,
  'test/e2e/faults/failure.test.ts': 14,
  'test/deploy/tls.test.ts': 14,
  'test/e2e/faults/mongodb-killed.test.ts': 13,
  'test/e2e/alerts.test.ts': 13,
  'test/api/realtime/answer-log-doors.test.ts': 13,
};

/**
 * Starts the longest files first. If such a file started last, it would run alone at the end, with the other workers idle.
 */
export default class LongestFirst extends Sequencer {
  override async sort(tests: Tests): Promise<Tests> {
    const inDefaultOrder = await super.sort(tests);
    return inDefaultOrder.sort((one, other) => durationMs(other) - durationMs(one));
  }
}

function durationMs({ path, context, duration }: Tests[number]): number {
  const known = LONG_FILES[path.slice(context.config.rootDir.length + 1)];
  return duration ?? (known ?? 0) * 1000;
}
