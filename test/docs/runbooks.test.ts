import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { dashboards } from '../../dashboards/source/dashboards.ts';
import { routeOf } from '../../src/web/operations/route.ts';

const root = join(import.meta.dirname, '../..');
const runbooks = globSync('docs/runbooks/*.md', { cwd: root });
const read = (file: string) => readFileSync(join(root, file), 'utf8').replace(/\n +/g, ' ');

/** The parts of the overview that a link may lead to. */
const parts = globSync('src/web/operations/overview/*.tsx', { cwd: root }).flatMap((file) =>
  [...read(file).matchAll(/<Card[^>]*? id="([a-z-]+)"/gs)].map(([, id]) => id),
);
const panelsOf = new Map(
  Object.values(dashboards()).map(({ title, panels }) => [title, panels?.map((panel) => panel.title)]),
);

describe.each(runbooks)('%s', (file) => {
  const section = /## Where to see it\n(.*?)\n## /s.exec(read(file))?.[1] ?? '';

  test('says where the operations page shows it, in views that exist', () => {
    expect(section).toMatch(/operations page/i);
    for (const [, hash] of section.matchAll(/`\/admin(#[^`]*)`/g)) {
      const route = routeOf(hash!);
      expect([hash, route.view]).not.toEqual([hash, 'nothing']);
      if (route.view === 'overview' && route.to) expect(parts).toContain(route.to);
    }
  });

  test('says which panels of the dashboards show it, by names that exist', () => {
    const named = [...section.matchAll(/^- Dashboard \*([^*]+)\*: (.*?)\./gm)];
    expect(named.length).toBeGreaterThan(0);
    for (const [, title, panels] of named) {
      for (const [, panel] of panels!.matchAll(/\*([^*]+)\*/g)) expect(panelsOf.get(title)).toContain(panel);
    }
  });
});
