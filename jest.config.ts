import type { Config } from 'jest';

const config: Config = {
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '\\.ts$': ['@swc/jest', { jsc: { target: 'es2024', parser: { syntax: 'typescript' } } }],
  },
  globalSetup: '<rootDir>/test/services/global-setup.ts',
  globalTeardown: '<rootDir>/test/services/global-teardown.ts',
  testTimeout: 60_000,
  maxWorkers: 3,
  // Half a second, if not said, is less than a process of some hundred MB takes to end on a busy machine.
  workerGracefulExitTimeout: 10_000,
};

export default config;
