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
  'test/e2e/faults/answer.test.ts': 112,
  'test/chaos/cluster.test.ts': 90,
  'test/chaos/chaos.test.ts': 89,
  'test/chaos/streams.test.ts': 70,
  'test/e2e/faults/shared-work.test.ts': 69,
  'test/e2e/streamed-through-deaths.test.ts': 60,
  'test/e2e/asked-together.test.ts': 75,
  'test/e2e/faults/servers-refuse.test.ts': 68,
  'test/e2e/start.test.ts': 55,
  'test/fuzz/fuzz.test.ts': 75,
  'test/fuzz/schemathesis.test.ts': 60,
  'test/main/certificates.test.ts': 45,
  'test/tools/start/supervise-server.test.ts': 33,
  'test/main/installation.test.ts': 32,
  'test/adapters/rabbitmq/connection.test.ts': 30,
  'test/e2e/faults/response.test.ts': 30,
  'test/adapters/rabbitmq/publisher.test.ts': 29,
  'test/e2e/faults/request.test.ts': 28,
  'test/adapters/rabbitmq/batch-consumer.test.ts': 28,
  'test/e2e/worker-stops.test.ts': 26,
  'test/adapters/redis/connect-redis.test.ts': 25,
  'test/adapters/jobs/runner/job-runner.test.ts': 24,
  'test/e2e/faults/failure.test.ts': 24,
  'test/e2e/operations-page.test.ts': 45,
  'test/e2e/chat-page.test.ts': 75,
  'test/e2e/chat-page-for-all.test.ts': 40,
  'test/e2e/operations-page-for-all.test.ts': 35,
  'test/e2e/admin-pages.test.ts': 22,
  'test/e2e/worker-killed.test.ts': 22,
  'test/main/redis-rights.test.ts': 21,
  'test/api/signed-answers.test.ts': 20,
  'test/dashboards/queries.test.ts': 20,
  'test/e2e/stream-resumed.test.ts': 24,
  'test/api/realtime/answer-log-doors.test.ts': 22,
  'test/e2e/deadline-and-spend.test.ts': 20,
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
