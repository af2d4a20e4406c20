import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { installSchemathesis } from '../../fuzz/schemathesis/install.ts';
import { runHarness } from '../chaos/run-harness.ts';

const main = join(import.meta.dirname, '../../fuzz/schemathesis/main.ts');

const installed = await installSchemathesis();
if ('why' in installed) {
  process.stdout.write(`The comparison of the API with its OpenAPI document is left out: ${installed.why}\n`);
}
const withSchemathesis = 'why' in installed ? test.skip : test;

withSchemathesis(
  'every operation answers as the OpenAPI document says: status, headers, content type and body; it takes what the document allows',
  async () => {
    const { code, output } = await runHarness(main, ['--examples', '6']);
    if (code !== 0) throw new Error(output);
    // All of them, whatever is added to the document.
    const [, selected, all, tested] = /Selected: (\d+)\/(\d+)\s+Tested: (\d+)/.exec(output) ?? [];
    expect(Number(all)).toBeGreaterThan(70);
    expect([selected, tested]).toEqual([all, all]);
    expect(output).toMatch(/[1-9]\d* generated, [1-9]\d* passed/);
  },
  600_000,
);
