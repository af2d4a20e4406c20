import { writeFileSync } from 'node:fs';
import type { Page } from 'playwright-core';

/** Runs in a browser: returns a PNG as WebP, which takes a third of the bytes. Both are base64. */
const TO_WEBP = `async (png) => {
  const bitmap = await createImageBitmap(await (await fetch('data:image/png;base64,' + png)).blob());
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  canvas.getContext('2d').drawImage(bitmap, 0, 0);
  const webp = await canvas.convertToBlob({ type: 'image/webp', quality: 0.85 });
  return new Uint8Array(await webp.arrayBuffer()).toBase64();
}`;

/**
 * Writes what a page shows into a WebP file that is small enough for a document.
 * @param options.fullPage also what is below the window's edge
 */
export async function takePicture(page: Page, file: string, { fullPage = false } = {}): Promise<void> {
  const png = (await page.screenshot({ fullPage, animations: 'disabled' })).toString('base64');
  // Another page converts it, because the policy of ours forbids it.
  const converter = await page.context().browser()!.newPage();
  const webp = await converter.evaluate<string>(`(${TO_WEBP})('${png}')`);
  await converter.close();
  writeFileSync(file, Buffer.from(webp, 'base64'));
}
