import { expect, test } from '@jest/globals';
import {
  BSON,
  MongoBulkWriteError,
  MongoClientClosedError,
  MongoInvalidArgumentError,
  MongoNetworkError,
  MongoNetworkTimeoutError,
  MongoServerError,
  MongoServerSelectionError,
  MongoWriteConcernError,
  type TopologyDescription,
} from 'mongodb';
import { verdictOn } from '../../../src/adapters/mongodb/command-errors.ts';
import { eachOrStoreUnavailable, orStoreUnavailable } from '../../../src/adapters/mongodb/or-store-unavailable.ts';
import { StoreUnavailableError } from '../../../src/contracts/errors.ts';
import { openMongoDb, unreachableMongoDb } from '../../mongodb-connection.ts';
import { testMongoDbUrl } from '../../services.ts';
import { withMongoDb } from '../../with-mongodb.ts';

/** As the driver makes it of a reply. */
const reply = (code: number, codeName = '', errorLabels: string[] = []) =>
  new MongoServerError({ ok: 0, code, codeName, errmsg: codeName, errorLabels });

/** As the driver makes it of a bulk write of which some writes have failed. Its code is that of the first of them. */
const bulk = (...codes: number[]) =>
  new MongoBulkWriteError(
    { message: 'failed', code: codes[0]!, writeErrors: codes.map((code) => ({ code })) as never },
    {} as never,
  );

test.each([
  [6, 'HostUnreachable'],
  [11, 'UserNotFound'],
  [13, 'Unauthorized'],
  [18, 'AuthenticationFailed'],
  [43, 'CursorNotFound'],
  [50, 'MaxTimeMSExpired'],
  [64, 'WriteConcernTimeout'],
  [79, 'UnknownReplWriteConcern'],
  [91, 'ShutdownInProgress'],
  [100, 'UnsatisfiableWriteConcern'],
  [112, 'WriteConflict'],
  [133, 'FailedToSatisfyReadPreference'],
  [134, 'ReadConcernMajorityNotAvailableYet'],
  [189, 'PrimarySteppedDown'],
  [262, 'ExceededTimeLimit'],
  [391, 'ReauthenticationRequired'],
  [8_000, 'AtlasError'],
  [10_107, 'NotWritablePrimary'],
  [11_600, 'InterruptedAtShutdown'],
  [11_602, 'InterruptedDueToReplStateChange'],
  [13_435, 'NotPrimaryNoSecondaryOk'],
  [13_436, 'NotPrimaryOrSecondary'],
  [14_031, 'OutOfDiskSpace'],
])('a server that replies %i (%s) is unavailable', async (code, codeName) => {
  const rejected = orStoreUnavailable(Promise.reject(reply(code, codeName)));
  await expect(rejected).rejects.toMatchObject({ code: 'store_unavailable', foreseen: true });
  expect(verdictOn(bulk(code))).toBe('refusal');
});

test.each([
  [2, 'BadValue'],
  [9, 'FailedToParse'],
  [14, 'TypeMismatch'],
  [22, 'InvalidBSON'],
  [40, 'ConflictingUpdateOperators'],
  [52, 'DollarPrefixedFieldName'],
  [66, 'ImmutableField'],
  [10_334, 'BSONObjectTooLarge'],
  [11_000, 'DuplicateKey'],
  [17_280, 'KeyTooLong'],
  [17_419, 'a document that an update makes too large'],
])('a reply of %i (%s) is our fault, and is thrown as it is', async (code, codeName) => {
  const error = reply(code, codeName);
  await expect(orStoreUnavailable(Promise.reject(error))).rejects.toBe(error);
  expect(verdictOn(bulk(code))).toBe('fault');
});

test('a code that nobody foresaw counts as unavailable, and can be recognised', async () => {
  const rejected = orStoreUnavailable(Promise.reject(reply(987_654)));
  await expect(rejected).rejects.toMatchObject({ code: 'store_unavailable', foreseen: false });
});

test('a code that nobody foresaw is foreseen if the server says that the write may be tried again', () => {
  expect(verdictOn(reply(987_654, '', ['RetryableWriteError']))).toBe('refusal');
});

test.each<[string, Error]>([
  ['no server in time', new MongoServerSelectionError('timed out', {} as TopologyDescription)],
  ['a broken connection', new MongoNetworkError('connection closed')],
  ['no reply in time', new MongoNetworkTimeoutError('timed out')],
  ['a client that is closed', new MongoClientClosedError()],
  [
    'a write that no majority has yet',
    new MongoWriteConcernError({ ok: 1, writeConcernError: { code: 64, errmsg: 'waiting for replication timed out' } }),
  ],
])('%s means unavailable', (_, error) => {
  expect(verdictOn(error)).toBe('refusal');
});

test.each<[string, Error]>([
  ['an argument that the driver refuses', new MongoInvalidArgumentError('must be positive')],
  ['a document that cannot be written', new BSON.BSONError('circular structure')],
  ['an error that is not of MongoDB', new TypeError('x is not a function')],
])('%s is our fault', (_, error) => {
  expect(verdictOn(error)).toBe('fault');
});

test('an error that says already what it means is thrown as it is', async () => {
  const error = new StoreUnavailableError('Redis is away.');
  await expect(orStoreUnavailable(Promise.reject(error))).rejects.toBe(error);
});

test('a query without a server is unavailable, whether it reads one document or many', async () => {
  const some = unreachableMongoDb().collection('some');
  const expected = { code: 'store_unavailable', foreseen: true };
  await expect(orStoreUnavailable(some.findOne({}))).rejects.toMatchObject(expected);
  const readAll = async () => {
    for await (const _ of eachOrStoreUnavailable(some.find())) expect('nothing').toBe('read');
  };
  await expect(readAll()).rejects.toMatchObject(expected);
});

test('a bulk write without a server is unavailable, as any other write', async () => {
  const some = unreachableMongoDb().collection('some');
  const write = some.bulkWrite([{ insertOne: { document: {} } }]);
  await expect(orStoreUnavailable(write)).rejects.toMatchObject({ code: 'store_unavailable', foreseen: true });
});

test('a bulk write that the driver refuses is our fault', async () => {
  const some = unreachableMongoDb().collection('some');
  const circular: Record<string, unknown> = {};
  circular.itself = circular;
  const write = some.bulkWrite([{ insertOne: { document: circular } }]);
  const error: unknown = await write.catch((reason: unknown) => reason);
  expect([error, verdictOn(error)]).toEqual([expect.any(Error), 'fault']);
});

// FerretDB gives these errors the same codes as MongoDB. It has neither rights nor a primary.
withMongoDb('a real server', () => {
  const some = async () => openMongoDb(await testMongoDbUrl()).db.collection<{ _id: string; text?: string }>('some');

  test('says that a key is taken, one by one and in a bulk, and that is our fault', async () => {
    const collection = await some();
    await collection.insertOne({ _id: 'one' });
    for (const insert of [
      () => collection.insertOne({ _id: 'one' }),
      () => collection.bulkWrite([{ insertOne: { document: { _id: 'one' } } }]),
    ]) {
      const error: unknown = await insert().catch((reason: unknown) => reason);
      expect([error, verdictOn(error)]).toEqual([expect.any(MongoServerError), 'fault']);
    }
  });

  test('says that a command is wrong, and that is our fault', async () => {
    const collection = await some();
    await collection.insertOne({ _id: 'one' });
    const error: unknown = await collection
      .find({ $or: 'nothing' } as never)
      .toArray()
      .catch((reason: unknown) => reason);
    expect([error, verdictOn(error)]).toEqual([expect.any(MongoServerError), 'fault']);
  });
});
