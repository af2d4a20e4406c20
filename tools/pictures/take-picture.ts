import { writeFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { encodePalettePng } from './palette-png.ts';

/** Runs in a browser: returns the pixels of a PNG. They are joined in parts, because a function takes only so many arguments. */
const READ_PIXELS = `async (png) => {
  const bitmap = await createImageBitmap(await (await fetch('data:image/png;base64,' + png)).blob());
  const { width, height } = bitmap;
  const context = new OffscreenCanvas(width, height).getContext('2d');
  context.drawImage(bitmap, 0, 0);
  const { data } = context.getImageData(0, 0, width, height);
  let text = '';
  for (let at = 0; at < data.length; at += 8192) text += String.fromCharCode(...data.subarray(at, at + 8192));
  return { width, height, rgba: btoa(text) };
}`;

/**
 * Writes what a page shows into a PNG that is small enough for a document.
 * @param options.fullPage also what is below the window's edge
 */
export async function takePicture(page: Page, file: string, { fullPage = false } = {}): Promise<void> {
  const png = (await page.screenshot({ fullPage, animations: 'disabled' })).toString('base64');
  // Another page reads the pixels, because the policy of ours forbids it.
  const reader = await page.context().browser()!.newPage();
  const read = await reader.evaluate<{ width: number; height: number; rgba: string }>(`(${READ_PIXELS})('${png}')`);
  await reader.close();
  writeFileSync(file, encodePalettePng({ ...read, rgba: Buffer.from(read.rgba, 'base64') }));
}
