import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Includes that the scripts of several folders share. */
const SHARED = join(import.meta.dirname, 'lua');

const INCLUDE = /^-- include: ([a-z0-9-]+)$/;
const CONSTANT = /^-- constant: ([A-Z][A-Z0-9_]*)$/;

/** The constants for a script: the value for each name in its lines `-- constant: NAME`. */
export type ScriptConstants = Readonly<Record<string, string | number>>;

/** A line of an assembled script, and where it comes from. */
export interface ScriptLine {
  text: string;
  file: string;
  /** Counted from 1. */
  line: number;
}

/**
 * Reads a script and inserts what it asks for:
 * - `-- include: NAME` is replaced by the file NAME.lua of the same folder or, if that does not exist, of `redis/lua`.
 *   A file that is included twice is inserted once, at the first place.
 * - `-- constant: NAME` is replaced by a local variable with that constant.
 * @param name of the file, without `.lua`
 * @param constants left out: each constant is an empty text, which is enough to check the script
 * @throws Error with file and line: a file is missing, includes itself, or asks for a missing constant
 */
export function assembleScript(directory: string, name: string, constants?: ScriptConstants): ScriptLine[] {
  const lines: ScriptLine[] = [];
  const included = new Set<string>();
  const asked = new Set<string>();

  function read(name: string, including: readonly string[]): void {
    const file = [directory, SHARED].map((folder) => join(folder, `${name}.lua`)).find(existsSync);
    const by = including.length === 0 ? '' : `, which ${including.at(-1)} includes`;
    if (!file) throw new Error(`There is no Redis script ${name}.lua in ${directory} or ${SHARED}${by}.`);
    if (including.includes(file))
      throw new Error(`The Redis script ${file} includes itself: ${including.join(' -> ')}.`);
    if (included.has(file)) return;
    for (const [index, text] of readFileSync(file, 'utf8').trimEnd().split('\n').entries()) {
      const include = INCLUDE.exec(text)?.[1];
      if (include) read(include, [...including, file]);
      else lines.push({ text: withConstant(text, `${file}:${index + 1}`), file, line: index + 1 });
    }
    included.add(file);
  }

  function withConstant(text: string, where: string): string {
    const name = CONSTANT.exec(text)?.[1];
    if (!name) return text;
    asked.add(name);
    const value = constants ? constants[name] : '';
    if (value === undefined)
      throw new Error(`${where} asks for the constant ${name}, which defineScript was not given.`);
    return `local ${name} = ${typeof value === 'number' ? value : luaText(value)}`;
  }

  read(name, []);
  const unused = Object.keys(constants ?? {}).filter((name) => !asked.has(name));
  if (unused.length > 0) throw new Error(`The Redis script ${name} does not ask for ${unused.join(', ')}.`);
  return lines;
}

const luaText = (text: string) => `'${text.replaceAll(/['\\]/g, '\\$&').replaceAll('\n', '\\n')}'`;
