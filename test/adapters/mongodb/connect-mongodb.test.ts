import { afterAll, expect, test } from '@jest/globals';
import { connectMongoDb, type MongoDbConnection, mustAnswer } from '../../../src/adapters/mongodb/connect-mongodb.ts';
import type { Service } from '../../../tools/services/service.ts';
import { captureLog } from '../../captured-log.ts';
import { privateMongoDb } from '../../services.ts';
import { until } from '../../until.ts';
import { withMongoDb } from '../../with-mongodb.ts';

withMongoDb(
  'a connection to MongoDB',
  () => {
    let server: Service | undefined;
    let connection: MongoDbConnection | undefined;
    afterAll(async () => {
      await connection?.close();
      await server?.stop();
    });

    test('comes about when MongoDB starts long after us, and the log says once what it waits for', async () => {
      server = await privateMongoDb();
      await server.kill();
      const { logger, said } = captureLog();
      connection = connectMongoDb({
        ...{ url: `${server.url}/test`, name: 'test', logger, commandTimeoutMs: 200, connectTimeoutMs: 200 },
        ...{ maxPoolSize: 10, retryWrites: true, writeConcern: 'majority' },
      });
      const { db } = connection;
      const answers = () =>
        mustAnswer(db).then(
          () => true,
          () => false,
        );
      let refused = 0;
      await until('commands are refused, again and again', async () => !(await answers()) && ++refused > 5);
      await server.start();
      await until('MongoDB answers', answers);
      expect(said('waiting for MongoDB')).toHaveLength(1);
    });
  },
  { killed: true },
);
