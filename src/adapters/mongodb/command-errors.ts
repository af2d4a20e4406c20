import type { MongoBulkWriteError, MongoServerError } from 'mongodb';
import { driver } from './driver.ts';

/**
 * What an error of a MongoDB command means:
 * - `fault`: the command or the data is wrong. It is our fault, and trying again does not help.
 * - `refusal`: the server cannot serve now. It is out of reach, is no primary, or denies a right.
 * - `unknown`: a code that is not in our lists. It counts as a refusal, because servers refuse for many reasons, while a
 *   command can be wrong in only a few ways.
 */
export type CommandVerdict = 'fault' | 'refusal' | 'unknown';

const DUPLICATE_KEY = 11_000;
/** FerretDB and other servers say this of what they lack. */
const NOT_IMPLEMENTED = 238;

/** BadValue, FailedToParse, TypeMismatch, InvalidBSON, ConflictingUpdateOperators, ImmutableField, a document too large. */
const FAULTS = new Set([2, 9, 14, 22, 40, 52, 66, DUPLICATE_KEY, 10_334, 17_280, 17_419]);

/**
 * HostUnreachable, UserNotFound, Unauthorized, AuthenticationFailed, a time limit, WriteConcernFailed, disk full,
 * NotWritablePrimary and its relatives, shutdowns, ReadConcernMajorityNotAvailableYet, a login that has run out, a quota of
 * Atlas, a lost cursor.
 */
const REFUSALS = new Set([
  6, 7, 11, 13, 18, 43, 46, 50, 64, 79, 89, 91, 100, 112, 133, 134, 189, 202, 234, 237, 262, 391, 8_000, 9_001, 10_058,
  10_107, 11_600, 11_602, 13_388, 13_435, 13_436, 14_031,
]);

export function verdictOn(error: unknown): CommandVerdict {
  const { BSON, MongoClientClosedError, MongoError, MongoInvalidArgumentError } = driver();
  // The driver wraps its own errors, too, for example that no connection was free in time.
  if (isBulkWriteError(error) && error.errorResponse instanceof Error) return verdictOn(error.errorResponse);
  if (isServerError(error)) {
    const code = Number(error.code);
    if (FAULTS.has(code)) return 'fault';
    return REFUSALS.has(code) || error.hasErrorLabel('RetryableWriteError') ? 'refusal' : 'unknown';
  }
  if (error instanceof MongoClientClosedError) return 'refusal';
  if (error instanceof MongoInvalidArgumentError || error instanceof BSON.BSONError) return 'fault';
  // Every other error of the driver means no connection, no server to write to, or no answer in time.
  return error instanceof MongoError ? 'refusal' : 'fault';
}

/** Whether the error is the driver's own, or the server's. */
export const isMongoDbError = (error: unknown) =>
  error instanceof driver().MongoError || error instanceof driver().BSON.BSONError;

export const isServerError = (error: unknown): error is MongoServerError => error instanceof driver().MongoServerError;

export const isBulkWriteError = (error: unknown): error is MongoBulkWriteError =>
  error instanceof driver().MongoBulkWriteError;

export const isDuplicateKey = (error: unknown) => isServerError(error) && error.code === DUPLICATE_KEY;

export const isNotImplemented = (error: unknown) => isServerError(error) && error.code === NOT_IMPLEMENTED;
