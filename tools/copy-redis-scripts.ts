import { cpSync, statSync } from 'node:fs';
import { join } from 'node:path';

// The compiled product reads its Redis scripts from where they are beside the compiled files; tsc does not copy them.
const root = join(import.meta.dirname, '..');
cpSync(join(root, 'src'), join(root, 'dist', 'src'), {
  recursive: true,
  filter: (path) => statSync(path).isDirectory() || path.endsWith('.lua'),
});
