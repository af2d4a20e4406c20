import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { rabbitMqMembers } from '../../src/adapters/rabbitmq/cluster-members.ts';
import { REQUESTS_QUEUE, WORK_QUEUES } from '../../src/contracts/queues.ts';
import type { RabbitMq } from '../../tools/services/rabbitmq.ts';
import type { RabbitMqCluster } from '../../tools/services/rabbitmq-cluster.ts';
import { signUp, type TestUser } from '../api-client.ts';
import { startApi, startWorker, type TestProcess } from '../processes.ts';
import { connections, queuePlaces, testRabbitMqCluster, withoutCluster } from '../services/rabbitmq-cluster.ts';
import { testRedisUrl } from '../services.ts';
import { startSimulator, type TestSimulator } from '../start-simulator.ts';
import { until } from '../until.ts';

const testWithCluster = withoutCluster ? test.skip : test;

let cluster: RabbitMqCluster;
let simulator: TestSimulator;
let api: TestProcess;
let user: TestUser;

beforeAll(async () => {
  if (withoutCluster) return;
  [cluster, simulator] = await Promise.all([testRabbitMqCluster(), startSimulator()]);
  const env = {
    RABBITMQ_URL: cluster.url,
    REDIS_URL: await testRedisUrl(),
    PUBLISH_TIMEOUT: '5s',
    RATE_SEND_PER_MINUTE: '100000',
  };
  [api] = await Promise.all([startApi(env), startWorker({ ...env, MODEL_SIMULATOR_URL: simulator.baseUrl })]);
  user = await signUp(api.url);
}, 180_000);

afterAll(async () => {
  await simulator?.stop();
  await cluster?.kill();
});

testWithCluster('each queue is on all three nodes', async () => {
  for (const queue of WORK_QUEUES) {
    await until(
      `${queue} has three members`,
      async () => (await queuePlaces(cluster.nodes[0]!.managementUrl, queue)).online.length === 3,
    );
  }
});

testWithCluster(
  'a killed leader, and the killed node of the connections, cost no question and no second answer',
  async () => {
    const accepted: { sessionId: string; requestId: string }[] = [];
    let asking = true;
    const asks = (async () => {
      for (let i = 0; asking; i++) {
        const { status, body } = await user.send({ message: `Question ${i}?` });
        expect([202, 503]).toContain(status);
        if (status === 202) accepted.push(body);
        await sleep(20);
      }
    })();
    const untilAcceptedAgain = async () => {
      const before = accepted.length;
      await until('questions are accepted', () => accepted.length >= before + 20, 60_000);
    };

    await untilAcceptedAgain();
    const { leader } = await queuePlaces(cluster.nodes[0]!.managementUrl, REQUESTS_QUEUE);
    const leaderNode = cluster.nodeNamed(leader);
    const survivor = cluster.nodes.find((node) => node !== leaderNode)!;
    const members = () => rabbitMqMembers({ url: survivor.managementUrl, virtualHost: '/' });
    expect(await members()).toContainEqual({
      ...{ name: leader, state: 'up', detail: null },
      role: expect.stringContaining(REQUESTS_QUEUE),
    });
    await leaderNode.kill();
    await untilAcceptedAgain();
    await until('the operator sees it', async () =>
      (await members()).some(({ name, state }) => name === leader && state === 'down'),
    );
    await leaderNode.start();
    await until(
      'the node is a member again',
      async () => (await queuePlaces(leaderNode.managementUrl, REQUESTS_QUEUE).catch(noPlaces)).online.length === 3,
      60_000,
    );

    await (await nodeOfApi()).kill();
    await untilAcceptedAgain();
    asking = false;
    await asks;

    for (const { sessionId, requestId } of accepted) {
      const turn = await until(
        'the question is answered',
        async () => {
          const { turns } = (await user.session(sessionId)).body;
          return turns?.find((one) => one.requestId === requestId && one.status === 'completed');
        },
        60_000,
      );
      expect(turn.response).toBeTruthy();
    }
    expect(api.output()).not.toContain('"level":"fatal"');
  },
  300_000,
);

const noPlaces = () => ({ online: [] as string[] });

/** The node that the api publishes to. */
async function nodeOfApi(): Promise<RabbitMq> {
  const node = await until('the api has a connection', async () =>
    (await connections(cluster.nodes[0]!.managementUrl)).find(({ name }) => /^healify-chat api .*publish/.test(name)),
  );
  return cluster.nodeNamed(node.node);
}
