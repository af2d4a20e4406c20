/** A command that a Lua script sends: its name, and the Lua text of each argument. */
interface LuaCommand {
  name: string;
  args: string[];
}

const CALL = /\b(?:rcall|redis\.p?call)\(/g;
const QUOTED = /^(["'])(.*)\1$/s;
/** Which arguments of a command that is about a hash are fields. */
const FIELDS: Record<string, (args: string[]) => string[]> = {
  HGET: ([, field = '']) => [field],
  HEXISTS: ([, field = '']) => [field],
  HSTRLEN: ([, field = '']) => [field],
  HSETNX: ([, field = '']) => [field],
  HINCRBY: ([, field = '']) => [field],
  HMGET: ([, ...fields]) => fields,
  HDEL: ([, ...fields]) => fields,
  HSET: ([, ...pairs]) => pairs.filter((_, index) => index % 2 === 0),
  HMSET: ([, ...pairs]) => pairs.filter((_, index) => index % 2 === 0),
};

const withoutComments = (lua: string) => lua.replaceAll(/--\[\[.*?\]\]/gs, '').replaceAll(/--.*$/gm, '');

/** The text of a literal; undefined for any other expression. */
const literal = (expression: string) => QUOTED.exec(expression)?.[2];

/** The commands of a script, in order. */
function luaCommands(lua: string): LuaCommand[] {
  const text = withoutComments(lua);
  return [...text.matchAll(CALL)].map(({ index, 0: call }) => {
    const [name = '', ...args] = argumentsFrom(text, index + call.length);
    return { name: (literal(name) ?? name).toUpperCase(), args };
  });
}

/** The arguments of a call. The text begins after its opening parenthesis. */
function argumentsFrom(text: string, start: number): string[] {
  const args: string[] = [];
  let depth = 0;
  let quote = '';
  let from = start;
  for (let at = start; at < text.length; at++) {
    const char = text[at]!;
    if (quote) {
      if (char === quote) quote = '';
    } else if (char === '"' || char === "'") quote = char;
    else if ('([{'.includes(char)) depth++;
    else if (depth > 0 && ')]}'.includes(char)) depth--;
    else if (depth === 0 && (char === ',' || char === ')')) {
      args.push(text.slice(from, at).trim());
      from = at + 1;
      if (char === ')') return args;
    }
  }
  throw new Error(`A call does not end: ${text.slice(start, start + 80)}`);
}

/**
 * The fields of hashes that a script reads or writes, as `{Lua text of the key}.{field}`. A field that is no literal is
 * looked for where the script makes it, and is `{key}.<{Lua text}>` if that does not help.
 */
export function hashFields(lua: string): { key: string; field: string }[] {
  const text = withoutComments(lua);
  return luaCommands(lua).flatMap(({ name, args }) => {
    const fields = FIELDS[name]?.(args) ?? [];
    return fields.flatMap((field) => {
      const known = literal(field);
      const found = known === undefined ? elementsOf(text, field) : [known];
      return found.map((field) => ({ key: args[0]!, field }));
    });
  });
}

/** The literals that a script puts into the table which it unpacks. */
function elementsOf(text: string, expression: string): string[] {
  const table = /^unpack\((\w+)\)$/.exec(expression)?.[1];
  const inserted = [
    ...text.matchAll(new RegExp(`table\\.insert\\(${table}, ["']([^"']+)["']\\)`, 'g')),
    ...text.matchAll(new RegExp(`\\b${table}\\[[^\\]]+\\] = ["']([^"']+)["']`, 'g')),
  ].map(([, element]) => element!);
  return inserted.length > 0 ? inserted : [`<${expression}>`];
}

/** The literal ends of the keys that a script puts together, without colons around them: `key .. ':lock'`. */
export const keyEnds = (lua: string): string[] =>
  [...withoutComments(lua).matchAll(/\.\. *["']:?(\w[\w:-]*?):?["']/g)].map(([, end]) => end!);
