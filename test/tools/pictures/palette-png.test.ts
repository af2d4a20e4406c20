import { inflateSync } from 'node:zlib';
import { expect, test } from '@jest/globals';
import { encodePalettePng } from '../../../tools/pictures/palette-png.ts';
import { startChromium } from '../../../tools/services/chromium.ts';

/** A picture of one row. */
const row = (colours: [number, number, number][]) => ({
  width: colours.length,
  height: 1,
  rgba: Uint8Array.from(colours.flatMap((colour) => [...colour, 255])),
});

/** What a browser sees in a PNG. */
async function pixelsOf(png: Buffer): Promise<number[][]> {
  const browser = await startChromium();
  try {
    const page = await browser.newPage();
    return await page.evaluate<number[][]>(`(async () => {
      const bitmap = await createImageBitmap(await (await fetch('data:image/png;base64,${png.toString('base64')}')).blob());
      const context = new OffscreenCanvas(bitmap.width, 1).getContext('2d');
      context.drawImage(bitmap, 0, 0);
      const { data } = context.getImageData(0, 0, bitmap.width, 1);
      return Array.from({ length: bitmap.width }, (_, x) => [...data.slice(4 * x, 4 * x + 3)]);
    })()`);
  } finally {
    await browser.close();
  }
}

test('a picture of few colours keeps each of them', async () => {
  const colours: [number, number, number][] = [
    [255, 0, 0],
    [0, 255, 0],
    [1, 2, 3],
    [255, 0, 0],
  ];
  expect(await pixelsOf(encodePalettePng(row(colours)))).toEqual(colours);
}, 60_000);

test('a picture of many colours keeps the frequent ones, and the others become similar ones', async () => {
  const rare = Array.from({ length: 2_000 }, (_, n): [number, number, number] => [
    n % 250,
    (n * 7) % 250,
    (n * 13) % 250,
  ]);
  const frequent = Array.from({ length: 3_000 }, (): [number, number, number] => [251, 252, 253]);
  const colours = [...rare, ...frequent];
  const png = encodePalettePng(row(colours));
  const seen = await pixelsOf(png);
  expect(seen.slice(rare.length)).toEqual(frequent);
  const farthest = Math.max(...seen.flatMap((pixel, x) => pixel.map((part, at) => Math.abs(part - colours[x]![at]!))));
  expect(farthest).toBeLessThan(110);
  expect(new Set(seen.map(String)).size).toBeLessThanOrEqual(256);
}, 60_000);

test('each row is a byte for a pixel', () => {
  const png = encodePalettePng({ width: 2, height: 2, rgba: new Uint8Array(16) });
  const at = png.indexOf('IDAT');
  const data = png.subarray(at + 4, at + 4 + png.readUInt32BE(at - 4));
  expect(inflateSync(data)).toHaveLength(2 * 3);
});
