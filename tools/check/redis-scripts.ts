import { spawnSync } from 'node:child_process';
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, relative } from 'node:path';
import { assembleScript, type ScriptLine } from '../../src/adapters/redis/assemble-script.ts';
import { aptInstall, canInstall } from '../services/apt.ts';

const HELP = `Checks the Redis scripts (src/**/*.lua) with luacheck, each together with what it includes. Installs Debian's
lua-check first if it is missing and this may be done without a password.

  node tools/check/redis-scripts.ts
`;

/** Variables and functions that nothing uses. */
const UNUSED = '21[123]';
/** The number of the checked text, line, column, and what is wrong. */
const PROBLEM = /(\d+)\.lua:(\d+):(\d+): (.*)$/;

const root = join(import.meta.dirname, '../..');

if (process.argv.includes('--help')) {
  process.stdout.write(HELP);
} else if (installLuacheck()) {
  const scripts = findScripts();
  // A problem in an include is found again with each script that includes it. The set removes repetitions.
  const problems = new Set([...scripts.flatMap(problemsOfPlace), ...problemsOfTexts(scripts)]);
  for (const problem of problems) console.error(problem);
  if (problems.size > 0) process.exitCode = 1;
} else {
  console.warn("left out: the check of the Redis scripts. It needs luacheck, which is Debian's package lua-check.");
}

function installLuacheck(): boolean {
  const isInstalled = () => spawnSync('luacheck', ['--version']).status === 0;
  if (isInstalled()) return true;
  if (!canInstall()) return false;
  try {
    aptInstall(['lua-check']);
  } catch (error) {
    console.warn(String(error));
  }
  return isInstalled();
}

/** All `.lua` files that no other one includes. */
function findScripts(): string[] {
  const files = globSync('src/**/*.lua', { cwd: root });
  const included = new Set<string>();
  for (const file of files) {
    for (const [, name] of readFileSync(join(root, file), 'utf8').matchAll(/^-- include: (.*)$/gm)) {
      const beside = join(dirname(file), `${name}.lua`);
      included.add(files.includes(beside) ? beside : `src/adapters/redis/lua/${name}.lua`);
    }
  }
  return files.filter((file) => !included.has(file)).sort();
}

/** Every script begins with a comment that explains it, and a TypeScript file of the same name beside it defines it. */
function problemsOfPlace(file: string): string[] {
  const name = basename(file, '.lua');
  if (!readFileSync(join(root, file), 'utf8').startsWith('--[[\n')) return [`${file}: does not begin with a comment`];
  const typed = join(root, dirname(file), `${name}.ts`);
  const defines = existsSync(typed) && readFileSync(typed, 'utf8').includes(`import.meta.dirname, '${name}'`);
  return defines ? [] : [`${file}: is neither included by a script nor defined by ${name}.ts beside it`];
}

/** A text for luacheck, and where each of its lines comes from: undefined for a line that only luacheck needs. */
interface CheckedText {
  text: string;
  origins: (ScriptLine | undefined)[];
}

/** Assembles a script. luacheck must accept that this script does not use everything in its includes. */
function checkedText(file: string): CheckedText {
  const lines = assembleScript(join(root, dirname(file)), basename(file, '.lua'));
  const texts: string[] = [];
  const origins: CheckedText['origins'] = [];
  const add = (text: string, origin?: ScriptLine) => {
    texts.push(text);
    origins.push(origin);
  };
  let inInclude = false;
  for (const line of lines) {
    const isIncluded = line.file !== join(root, file);
    if (isIncluded !== inInclude) {
      add(isIncluded ? '-- luacheck: push' : '-- luacheck: pop');
      if (isIncluded) add(`-- luacheck: ignore ${UNUSED}`);
      inInclude = isIncluded;
    }
    add(line.text, line);
  }
  return { text: texts.join('\n'), origins };
}

/** What luacheck finds, in the places where one would correct it. */
function problemsOfTexts(files: readonly string[]): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'redis-scripts-'));
  try {
    const texts = files.map(checkedText);
    const paths = texts.map((_, index) => join(folder, `${index}.lua`));
    for (const [index, { text }] of texts.entries()) writeFileSync(paths[index]!, text);
    const { stdout, stderr, status } = spawnSync('luacheck', ['--formatter', 'plain', '--codes', ...paths], {
      cwd: root,
      encoding: 'utf8',
    });
    if (status === 0) return [];
    return `${stdout}${stderr}`
      .split('\n')
      .filter(Boolean)
      .map((problem) => {
        const [, index, line, column, text] = PROBLEM.exec(problem) ?? [];
        const origin = texts[Number(index)]?.origins[Number(line) - 1];
        return origin ? `${relative(root, origin.file)}:${origin.line}:${column}: ${text}` : problem;
      });
  } finally {
    rmSync(folder, { recursive: true });
  }
}
