// A process that fails in a chosen way, with a text that nobody may see.
import { logEverything } from '../../src/main/process.ts';
import { createLogger } from '../../src/observability/log.ts';
import { openTerminal } from '../../src/observability/terminal.ts';

const [how, text] = process.argv.slice(2);
logEverything(createLogger('worker', 'info', await openTerminal()));
const error = Object.assign(new Error(`"${text}" is wrong`), { command: { name: 'set', args: ['a', text] } });
if (how === 'throw') throw error;
if (how === 'reject') void Promise.reject(error);
// biome-ignore lint/suspicious/noConsole: as libraries do
else console.error('[a library]', error, { text });
