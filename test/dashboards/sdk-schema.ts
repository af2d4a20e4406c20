import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** A JSON Schema, or a part of one. */
type Schema = Record<string, unknown>;

const require = createRequire(import.meta.url);
/** The folder with the SDK's modules, such as `dashboard` and `timeseries`. */
const SDK = dirname(dirname(require.resolve('@grafana/grafana-foundation-sdk/cog')));

const DECLARATION = /^export (?:declare )?(interface|enum|type) (\w+)(?: = ([\s\S]*?);| (\{[\s\S]*?\n\}))$/gm;
const TOKEN = /"(?:[^"\\]|\\.)*"|[\w.]+|\[\]|[{}[\]()<>|;:,?]/g;

/**
 * Makes a JSON Schema of the types of Grafana's SDK, as they are installed. The npm package has no schema, but its types are
 * generated from the same source as Grafana's own schema, and in a form that is simple to read. Fields that no type has are
 * errors.
 * @param modules which modules' types there are in `definitions`, as `<module>.<Type>`
 */
export function sdkSchema(modules: readonly string[]): { definitions: Record<string, Schema> } {
  return { definitions: Object.assign({}, ...modules.map(definitionsOf)) };
}

function definitionsOf(module: string): Record<string, Schema> {
  const source = readFileSync(join(SDK, module, 'types.gen.d.ts'), 'utf8').replace(/\/\*[\s\S]*?\*\//g, '');
  const definitions: Record<string, Schema> = {};
  for (const [, kind, name, alias, body] of source.matchAll(DECLARATION)) {
    if (kind === 'enum') Object.assign(definitions, enumSchemas(module, name!, body!));
    else definitions[`${module}.${name}`] = createReader(module, alias ?? body!).type();
  }
  return definitions;
}

/** An enum may be named as a whole, or one of its members. */
function enumSchemas(module: string, name: string, body: string): Record<string, Schema> {
  const members = [...body.matchAll(/(\w+) = ("[^"]*"|-?\d+)/g)].map(
    ([, member, value]) => [member, JSON.parse(value!)] as const,
  );
  return {
    [`${module}.${name}`]: { enum: [...new Set(members.map(([, value]) => value))] },
    ...Object.fromEntries(members.map(([member, value]) => [`${module}.${name}.${member}`, { const: value }])),
  };
}

const PLAIN: Record<string, Schema> = {
  ...Object.fromEntries(['string', 'number', 'boolean', 'null', 'object'].map((type) => [type, { type }])),
  any: {},
  unknown: {},
};

/** Reads the types that the SDK's generator writes: a small part of TypeScript. */
function createReader(module: string, text: string) {
  const tokens = text.match(TOKEN) ?? [];
  let at = 0;
  const next = () => tokens[at++]!;
  const take = (token: string) => tokens[at] === token && ++at > 0;
  const must = (token: string) => {
    if (!take(token)) throw new Error(`expected ${token} and not ${tokens[at]} in ${text}`);
  };

  function type(): Schema {
    const choices = [oneType()];
    while (take('|')) choices.push(oneType());
    return choices.length === 1 ? choices[0]! : { anyOf: choices };
  }

  function oneType(): Schema {
    let schema = element();
    while (take('[]')) schema = { type: 'array', items: schema };
    return schema;
  }

  function element(): Schema {
    const token = next();
    if (token === '{') return fields();
    if (token.startsWith('"')) return { const: JSON.parse(token) };
    if (token === 'Record') return record();
    if (token === '(') {
      const inner = type();
      must(')');
      return inner;
    }
    if (PLAIN[token]) return PLAIN[token];
    // What each data source asks is declared elsewhere.
    if (token.startsWith('cog.')) return { type: 'object' };
    const isElsewhere = /^[a-z]/.test(token);
    return { $ref: `#/definitions/${isElsewhere ? token : `${module}.${token}`}` };
  }

  function record(): Schema {
    must('<');
    type();
    must(',');
    const additionalProperties = type();
    must('>');
    return { type: 'object', additionalProperties };
  }

  function fields(): Schema {
    const properties: Record<string, Schema> = {};
    const required: string[] = [];
    while (!take('}')) {
      const name = next();
      if (take('(')) {
        // A method, which JSON has not.
        while (next() !== ';');
        continue;
      }
      if (!take('?')) required.push(name);
      must(':');
      properties[name] = type();
      take(';');
    }
    return { type: 'object', properties, required, additionalProperties: false };
  }

  return { type };
}
