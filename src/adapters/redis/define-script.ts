import { createHash } from 'node:crypto';
import { Command } from 'ioredis';
import { assembleScript, type ScriptConstants } from './assemble-script.ts';
import type { Redis } from './redis.ts';

type Value = string | number;

/** A Lua script. Redis runs it atomically, in one round trip. */
export type Script = (redis: Redis, keys: readonly string[], args: readonly Value[]) => Promise<unknown>;

/**
 * Defines a script. Each server is sent its text once, and later only its hash. The file is read at once, so a process
 * does not start if a file is missing.
 * @param directory of the file that defines it: `import.meta.dirname`
 * @param name of the `.lua` file in that folder, without the ending
 * @param constants for its lines `-- constant: NAME`
 * @throws Error see `assembleScript`
 */
export function defineScript(directory: string, name: string, constants: ScriptConstants = {}): Script {
  const lines = assembleScript(directory, name, constants);
  const lua = lines.map(({ text }) => text).join('\n');
  const sha = createHash('sha1').update(lua).digest('hex');
  return async (redis, keys, args) => {
    try {
      // This is `redis.evalsha` without its copies of the arguments, of which there may be thousands.
      const command = new Command('evalsha', [sha, keys.length, ...keys, ...args], { replyEncoding: 'utf8' });
      return await redis.sendCommand(command);
    } catch (error) {
      if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error;
      return await redis.eval(lua, keys.length, ...keys, ...args);
    }
  };
}
