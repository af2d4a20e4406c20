// Loaded before a command of ours: gives it the environment of this folder, and says nothing if there is no .env.
// Plain JavaScript, so that a Node that cannot run TypeScript says what to do, and not what it does not understand.
import { join } from 'node:path';

if (!process.features.typescript) {
  console.error(
    `This command needs Node 24, and ${process.version} runs it. Node 24 comes along for Linux and Windows: run "npm run packages",\n` +
      'and then the command by its npm script, such as: npm run users -- --help',
  );
  process.exit(1);
}

const { readCommandEnvironment } = await import('./start/environment.ts');
Object.assign(process.env, readCommandEnvironment(join(import.meta.dirname, '..')));
