import { cpSync, statSync } from 'node:fs';
import { join } from 'node:path';

// tsc does not copy the Redis scripts. The compiled product reads them from beside the compiled files.
const root = join(import.meta.dirname, '..');
cpSync(join(root, 'src'), join(root, 'dist', 'src'), {
  recursive: true,
  filter: (path) => statSync(path).isDirectory() || path.endsWith('.lua'),
});
