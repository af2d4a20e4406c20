import { createHash } from 'node:crypto';
import { Command, type Redis } from 'ioredis';
import { assembleScript, type ScriptConstants } from './assemble-script.ts';

type Value = string | number;

/** A Lua script, carried out by Redis as a whole: one round trip. */
export type Script = (redis: Redis, keys: readonly string[], args: readonly Value[]) => Promise<unknown>;

/** Lua, for the beginning of a script or a function: `now` is the time of the server's clock, in ms. */
export const SERVER_TIME = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
`;

/**
 * Defines a script that each server is sent once; from then on it is called by its hash. The file is read at once, so a
 * process does not start if one is missing.
 * @param directory of the file that defines it: `import.meta.dirname`
 * @param name of the `.lua` file in that folder, without the ending
 * @param constants for its lines `-- constant: NAME`
 * @throws Error see `assembleScript`
 */
export function defineScript(lua: string): Script;
export function defineScript(directory: string, name: string, constants?: ScriptConstants): Script;
export function defineScript(directory: string, name?: string, constants: ScriptConstants = {}): Script {
  const lua =
    name === undefined
      ? directory
      : assembleScript(directory, name, constants)
          .map(({ text }) => text)
          .join('\n');
  const sha = createHash('sha1').update(lua).digest('hex');
  return async (redis, keys, args) => {
    try {
      // As `redis.evalsha` does it, without its copies of the arguments, of which there may be thousands.
      const command = new Command('evalsha', [sha, keys.length, ...keys, ...args], { replyEncoding: 'utf8' });
      return await redis.sendCommand(command);
    } catch (error) {
      if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error;
      return await redis.eval(lua, keys.length, ...keys, ...args);
    }
  };
}
