import { INDEXES } from '../../../src/main/mongodb.ts';
import { testMongoDb } from '../../mongodb-connection.ts';
import { withMongoDb } from '../../with-mongodb.ts';
import { describeKilledErasures } from './killed-contract.ts';

// Each command takes longer than with Redis.
withMongoDb('with MongoDB', () => describeKilledErasures('MongoDB', { openDb: () => testMongoDb(INDEXES), every: 5 }));
