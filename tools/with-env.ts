import { join } from 'node:path';
import { readCommandEnvironment } from './start/environment.ts';

// Loaded before a command of ours: gives it the environment of this folder, and says nothing where there is no .env.
Object.assign(process.env, readCommandEnvironment(join(import.meta.dirname, '..')));
