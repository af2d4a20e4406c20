import { spawnSync } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { assembleScript, type ScriptLine } from '../../src/adapters/redis/assemble-script.ts';
import { aptInstall, canInstall } from '../services/apt.ts';

const HELP = `Checks the Redis scripts (src/**/*.lua) with luacheck, each together with what it includes. Installs Debian's
lua-check first if it is missing and this may be done without a password.

  node tools/check/redis-scripts.ts
`;

/** A function of an include that this script does not call; another one does, or the include is checked by itself. */
const UNUSED = '21[123]';
const PROBLEM = /^stdin:(\d+):(\d+): (.*)$/;

const root = join(import.meta.dirname, '../..');

if (process.argv.includes('--help')) {
  process.stdout.write(HELP);
} else if (installLuacheck()) {
  const problems = new Set(findScripts().flatMap((file) => [...problemsOfPlace(file), ...problemsOfText(file)]));
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

/** A script begins with a comment that explains it, and a TypeScript file of the same name beside it defines it. */
function problemsOfPlace(file: string): string[] {
  const name = basename(file, '.lua');
  if (!readFileSync(join(root, file), 'utf8').startsWith('--[[\n')) return [`${file}: does not begin with a comment`];
  const typed = join(root, dirname(file), `${name}.ts`);
  const defines = existsSync(typed) && readFileSync(typed, 'utf8').includes(`import.meta.dirname, '${name}'`);
  return defines ? [] : [`${file}: is neither included by a script nor defined by ${name}.ts beside it`];
}

function problemsOfText(file: string): string[] {
  const lines = assembleScript(join(root, dirname(file)), basename(file, '.lua'));
  const own = join(root, file);
  const checked: (ScriptLine | undefined)[] = [];
  const texts: string[] = [];
  const add = (text: string, line?: ScriptLine) => {
    texts.push(text);
    checked.push(line);
  };
  let inInclude = false;
  for (const line of lines) {
    if ((line.file !== own) !== inInclude) {
      add(inInclude ? '-- luacheck: pop' : '-- luacheck: push');
      inInclude = !inInclude;
      if (inInclude) add(`-- luacheck: ignore ${UNUSED}`);
    }
    add(line.text, line);
  }
  const { stdout, stderr, status } = spawnSync('luacheck', ['--formatter', 'plain', '--codes', '-'], {
    cwd: root,
    input: texts.join('\n'),
    encoding: 'utf8',
  });
  if (status === 0) return [];
  const found = `${stdout}${stderr}`.trim().split('\n').filter(Boolean);
  return found.map((problem) => {
    const [, at, column, text] = PROBLEM.exec(problem) ?? [];
    const line = checked[Number(at) - 1];
    return line ? `${relative(root, line.file)}:${line.line}:${column}: ${text}` : `${file}: ${problem}`;
  });
}
