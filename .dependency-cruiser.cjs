// Who may import whom: contracts <- config <- adapters, observability <- bridge, workflows, api <- main.
// Siblings in one rank do not import each other.
const ranks = [['contracts'], ['config'], ['adapters', 'observability'], ['bridge', 'workflows', 'api'], ['main']];

const rules = ranks.flatMap((houses, rank) =>
  houses.map((house) => {
    const allowed = [house, ...ranks.slice(0, rank).flat()];
    return {
      name: `${house}-imports-only-what-it-may`,
      comment: `src/${house} may import from src/{${allowed.join(',')}} only.`,
      severity: 'error',
      from: { path: `^src/${house}/` },
      to: { path: '^(src|tools|test|bench|chaos|fuzz)/', pathNot: `^src/(${allowed.join('|')})/` },
    };
  }),
);

module.exports = {
  forbidden: [
    ...rules,
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'tests-are-not-imported',
      severity: 'error',
      from: { pathNot: '^test/' },
      to: { path: '^test/' },
    },
  ],
  options: {
    parser: 'swc',
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    moduleSystems: ['es6'],
  },
};
