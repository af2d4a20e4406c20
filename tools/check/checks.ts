/** A program whose exit code says whether the code may be merged. */
export interface Check {
  readonly name: string;
  /** What it finds, for `npm run check -- --help`. */
  readonly finds: string;
  /** A program of node_modules/.bin, or of the machine. It runs in the project's folder. */
  readonly command: readonly [program: string, ...args: string[]];
}

/** The folders of the code whose imports the folder rule checks. */
const FOLDERS = ['src', 'dashboards', 'tools', 'test', 'bench', 'chaos', 'fuzz'];

/** All checks that need no server. `npm test` and `npm run check` run them all. */
export const checks: readonly Check[] = [
  {
    name: 'types',
    finds: 'errors of TypeScript',
    // With this file, the next run checks only what has changed.
    command: ['tsc', '-p', '.', '--incremental', '--tsBuildInfoFile', '.data/types.tsbuildinfo'],
  },
  {
    name: 'page-types',
    finds: 'errors of TypeScript in the pages',
    command: ['tsc', '-p', 'src/web', '--incremental', '--tsBuildInfoFile', '.data/page-types.tsbuildinfo'],
  },
  {
    name: 'page-sizes',
    finds: 'pages that load more script than they may',
    command: ['node', 'tools/check/page-sizes.ts'],
  },
  {
    name: 'lint',
    finds: 'code that biome would format differently, or forbids',
    command: ['biome', 'ci', '--colors=off', '.'],
  },
  {
    name: 'folders',
    finds: 'imports that .dependency-cruiser.cjs forbids',
    command: ['depcruise', '--config', '.dependency-cruiser.cjs', '--output-type', 'err', ...FOLDERS],
  },
  {
    name: 'redis-scripts',
    finds: 'faults in the Lua files of the Redis scripts, with luacheck',
    command: ['node', 'tools/check/redis-scripts.ts'],
  },
  {
    name: 'dashboards',
    finds: "dashboards that break a rule of Grafana's dashboard-linter, where it is installed or Go can install it",
    command: ['node', 'tools/check/dashboards.ts'],
  },
  {
    name: 'chart',
    finds: 'faults in the Helm chart, where npm, pip and Go can bring helm and the schemas of Kubernetes',
    command: ['node', 'tools/check/chart.ts'],
  },
  {
    name: 'supply-chain',
    finds: 'packages of the lock file without a hash, or with a licence that is not allowed',
    command: ['node', 'tools/check/supply-chain.ts'],
  },
  {
    name: 'generated',
    finds: 'generated files that differ from what `npm run generate` writes',
    command: ['node', 'tools/generate.ts', '--check'],
  },
];
