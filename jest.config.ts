import type { Config } from 'jest';

const config: Config = {
  // Where jest looks for tests and, in watch mode, for changes: neither in node_modules nor in what the tests themselves write.
  roots: ['src', 'test', 'tools', 'bench', 'chaos', 'fuzz'].map((folder) => `<rootDir>/${folder}`),
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
