import type { Config } from 'jest';

const config: Config = {
  // Where jest looks for tests and, in watch mode, for changes: neither in node_modules nor in what the tests
  // themselves write.
  roots: ['src', 'test', 'tools', 'bench', 'chaos', 'fuzz'].map((folder) => `<rootDir>/${folder}`),
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '\\.ts$': ['@swc/jest', { jsc: { target: 'es2024', parser: { syntax: 'typescript' } } }],
  },
  globalSetup: '<rootDir>/test/services/global-setup.ts',
  globalTeardown: '<rootDir>/test/services/global-teardown.ts',
  testSequencer: '<rootDir>/test/services/longest-first.ts',
  // The slowest single steps are a start of RabbitMQ and the wait until another worker takes over a dead one's jobs
  // (about 13 s each on a quiet machine). CI is not quiet: five files share two cores, so each step may take four times as long.
  testTimeout: 120_000,
  // More than the two cores of CI: most long tests also wait, for locks to expire or for servers to start.
  maxWorkers: 5,
  // Half a second, if not said, is less than a process of some hundred MB takes to end on a busy machine.
  workerGracefulExitTimeout: 10_000,
};

export default config;
