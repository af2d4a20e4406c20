import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { QueueKeys } from 'bullmq';
import { bullMqProblem, installedBullMq } from '../../../src/adapters/jobs/bullmq-version.ts';
import {
  AWAITING_MODEL_FIELD,
  BULLMQ_VERSION,
  bullMqJobFields,
  bullMqJobKeys,
  bullMqKeys,
  bullMqMetaFields,
  leftToBullMq,
  ownJobKeys,
  ownKeys,
  USER_FIELD,
} from '../../../src/adapters/jobs/redis-scripts/bullmq-layout.ts';
import { assembleScript } from '../../../src/adapters/redis/assemble-script.ts';
import { hashFields, keyEnds } from './read-lua.ts';

const root = join(import.meta.dirname, '../../..');
const namesOf = (...lists: object[]) => new Set(lists.flatMap((list) => Object.keys(list)));
const sorted = (names: Iterable<string>) => [...new Set(names)].sort();

interface Script {
  file: string;
  lua: string;
}

const bullMqFolder = join(dirname(fileURLToPath(import.meta.resolve('bullmq'))), '../esm');

/** The keys that BullMQ's TypeScript names itself: `toKey('wait')`, `toKey(\`${jobId}:processed\`)`. */
function keysNamedInCode(): string[] {
  const code = readFileSync(join(bullMqFolder, 'classes/redis-queue-backend.js'), 'utf8');
  const named = code.matchAll(/toKey\((?:['"]|`\$\{\w+\}:|\w+ \+ ['"]:)([\w-]+)['"`]/g);
  return [...named].map(([, key]) => key!);
}

/** The scripts that BullMQ ships, except those of its relay, which is not a queue. */
function bullMqScripts(): Script[] {
  const folder = join(bullMqFolder, 'scripts');
  return readdirSync(folder)
    .filter((file) => /-\d+\.js$/.test(file) && !file.startsWith('relay'))
    .map((file) => {
      const text = readFileSync(join(folder, file), 'utf8');
      return { file, lua: text.slice(text.indexOf('`') + 1, text.lastIndexOf('`')) };
    });
}

const ownFolder = join(root, 'src/adapters/jobs/redis-scripts');
const ownScripts: Script[] = readdirSync(ownFolder)
  .filter((file) => file.endsWith('.lua'))
  .map((file) => {
    const lines = assembleScript(ownFolder, file.replace(/\.lua$/, ''));
    return { file, lua: lines.map(({ text }) => text).join('\n') };
  });

/** Finds the hash that a field belongs to, from the script's name for its key. We have no hashes of a job's children. */
function hashOf({ lua }: Script, key: string): 'meta' | 'job' | 'other' | 'children' {
  const header = key.startsWith('KEYS[') ? (lua.split('\n').find((line) => line.trim().startsWith(key)) ?? '') : '';
  if (/meta/i.test(key + header)) return 'meta';
  if (/scheduler|deduplicationNext|metrics|nextTags|bucket/i.test(key + header) || /^run(ning)?$/.test(key))
    return 'other';
  return /processed|failed/i.test(key) ? 'children' : 'job';
}

function fieldsIn(scripts: readonly Script[], hash: 'meta' | 'job' | 'other'): string[] {
  return sorted(
    scripts.flatMap((script) =>
      hashFields(script.lua)
        .filter(({ key }) => hashOf(script, key) === hash)
        .map(({ field }) => field),
    ),
  );
}

describe('BullMQ’s own scripts', () => {
  const scripts = bullMqScripts();
  const otherFields = new Set(Object.values(leftToBullMq.otherFields).flat() as string[]);
  const unknown = (found: Iterable<string>, known: ReadonlySet<string>) =>
    sorted(found).filter((name) => !known.has(name));

  test('are all read', () => {
    expect(scripts.length).toBeGreaterThan(40);
    expect(keysNamedInCode()).toEqual(expect.arrayContaining(['processed', 'logs']));
    expect(fieldsIn(scripts, 'job')).toEqual(expect.arrayContaining(['ats', 'atm', 'stc', 'processedOn', 'defa']));
    expect(fieldsIn(scripts, 'meta')).toEqual(expect.arrayContaining(['paused', 'concurrency', 'max', 'duration']));
  });

  test('use no key that we do not know', () => {
    const known = namesOf(bullMqKeys, bullMqJobKeys, leftToBullMq.keys, leftToBullMq.jobKeys);
    const isKnown = (end: string) => [...known].some((key) => key === end || key.endsWith(`:${end}`));
    const ends = scripts.flatMap(({ lua }) => keyEnds(lua));
    expect(sorted(ends).filter((end) => !isKnown(end))).toEqual([]);
    const queueKeys = Object.keys(new QueueKeys('prefix').getKeys('queue')).filter(Boolean);
    expect(unknown([...queueKeys, ...keysNamedInCode()], known)).toEqual([]);
  });

  test('use no field of `meta` that we do not know', () => {
    const known = namesOf(bullMqMetaFields, leftToBullMq.metaFields);
    // BullMQ calls the key of the metrics `metaKey` as well.
    for (const field of leftToBullMq.otherFields.metrics) known.add(field);
    expect(unknown(fieldsIn(scripts, 'meta'), known)).toEqual([]);
  });

  test('use no field of a job that we do not know', () => {
    const known = namesOf(bullMqJobFields, leftToBullMq.jobFields);
    /** Fields whose names are passed to the scripts: the result or the failure, fields that we ask BullMQ to update, and times. */
    const given = ['<ARGV[3]>', '<attributes[1]>', '<unpack(attributes)>', '<unpack(fieldsToUpdate)>'];
    expect(unknown(fieldsIn(scripts, 'job'), new Set([...known, ...otherFields, ...given]))).toEqual([]);
  });

  test('use no field of another hash that we do not know', () => {
    expect(unknown(fieldsIn(scripts, 'other'), otherFields)).toEqual([]);
  });

  test('still use all that we list', () => {
    const text = scripts.map(({ lua }) => lua).join('\n');
    const queue = new QueueKeys('prefix').getKeys('queue');
    const isUsed = (name: string) => name in queue || new RegExp(`["':]${name}["':]`).test(text);
    const listed = namesOf(bullMqKeys, bullMqJobKeys, bullMqJobFields, bullMqMetaFields);
    const left = namesOf(leftToBullMq.keys, leftToBullMq.jobKeys, leftToBullMq.jobFields, leftToBullMq.metaFields);
    // The version is written by BullMQ's code, not by a script.
    left.delete('version');
    expect(sorted([...listed, ...left, ...otherFields]).filter((name) => !isUsed(name))).toEqual([]);
  });
});

describe('our scripts', () => {
  test('use the fields of a job that are listed, and no other', () => {
    const listed = namesOf(bullMqJobFields);
    // Only job-moves.ts reads it.
    listed.delete('stacktrace');
    expect(fieldsIn(ownScripts, 'job')).toEqual(sorted([...listed, '<USER_FIELD>', '<AWAITING_MODEL_FIELD>']));
    for (const own of [USER_FIELD, AWAITING_MODEL_FIELD]) {
      expect(own in bullMqJobFields || own in leftToBullMq.jobFields).toBe(false);
    }
  });

  test('use the fields of `meta` that are listed, and no other', () => {
    expect(fieldsIn(ownScripts, 'meta')).toEqual(sorted(namesOf(bullMqMetaFields)));
  });

  test('use the keys below a job that are listed, and no other', () => {
    const ends = ownScripts.flatMap(({ lua }) => keyEnds(lua));
    // How many requests the latest generation has: finished:count.
    expect(sorted(ends)).toEqual(sorted([...namesOf(bullMqJobKeys, ownJobKeys), 'count']));
  });

  test('keep nothing of their own under a name of BullMQ’s', () => {
    const theirs = namesOf(bullMqKeys, bullMqJobKeys, leftToBullMq.keys, leftToBullMq.jobKeys);
    expect([...namesOf(ownKeys, ownJobKeys)].filter((name) => theirs.has(name))).toEqual([]);
  });
});

describe('the version of BullMQ', () => {
  test('that is installed is the pinned one, and the one whose layout is listed', () => {
    const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      dependencies: Record<string, string>;
    };
    expect(dependencies.bullmq).toBe(BULLMQ_VERSION);
    expect(installedBullMq()).toBe(BULLMQ_VERSION);
    expect(bullMqProblem()).toBeUndefined();
  });

  test('if it is another one, starting a process fails and says which one is expected and what to do', () => {
    const problem = bullMqProblem('6.99.0');
    expect(problem).toContain('BullMQ 6.99.0 is installed');
    expect(problem).toContain(`BullMQ ${BULLMQ_VERSION} only`);
    expect(problem).toContain('npm ci');
  });
});
