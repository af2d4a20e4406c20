import type { Page } from 'playwright-core';
import { makeAsker } from './asker.ts';
import { pictureChat } from './chat-page.ts';
import type { Scene } from './scene.ts';
import { takePicture } from './take-picture.ts';

const DESKTOP = { width: 1280, height: 960 };
/** A view asks for its data as soon as it is shown. */
const SETTLE_MS = 2_000;

/** Each picture of a page, by its name. They are taken in this order, because the later ones open the gate. */
export const screens: Record<string, (scene: Scene, file: string) => Promise<void>> = {
  'operations-page': async (scene, file) => await pictureView(scene, file, { view: '/', size: DESKTOP }),
  'job-story': async (scene, file) => {
    await openGates(scene);
    const asker = await makeAsker(scene.apiUrl);
    const requestId = await asker.ask('Does it help to try again? [[simulate status=500 times=2]]');
    await pictureView(scene, file, { view: `/jobs/${requestId}`, size: { width: 1280, height: 800 } });
  },
  'bull-board': async (scene, file) => {
    await openGates(scene);
    const asker = await makeAsker(scene.apiUrl);
    const requestId = await asker.ask('Can this be asked at all? [[simulate status=400]]');
    const page = await openAsOperator(scene, { width: 1280, height: 500 });
    await page.goto(`${scene.apiUrl}/admin/queues/queue/chat/r-${requestId}`);
    await page.getByText(requestId).first().waitFor();
    await finish(page, file);
  },
  'chat-page': async (scene, file) => {
    await openGates(scene);
    await pictureChat(scene, file);
  },
};

async function pictureView(scene: Scene, file: string, { view, size }: { view: string; size: typeof DESKTOP }) {
  const page = await openAsOperator(scene, size);
  await page.goto(`${scene.apiUrl}/admin#${view}`);
  await page.getByText('Live', { exact: true }).waitFor();
  await finish(page, file);
}

async function finish(page: Page, file: string): Promise<void> {
  await page.waitForTimeout(SETTLE_MS);
  await takePicture(page, file);
  await page.context().close();
}

/** The model may have asked for a pause, as it does at the end of the demo's day. The admin's part of the API ends it. */
async function openGates(scene: Scene): Promise<void> {
  const page = await openAsOperator(scene, DESKTOP);
  const { request } = page.context();
  const { gates } = (await (await request.get(`${scene.apiUrl}/admin/gates`)).json()) as { gates: { gate: string }[] };
  for (const { gate } of gates) {
    const headers = { Origin: scene.apiUrl };
    const reply = await request.post(`${scene.apiUrl}/admin/gates/open`, { data: { gate }, headers });
    if (!reply.ok()) throw new Error(`the gate ${gate} cannot be opened: ${await reply.text()}`);
  }
  await page.context().close();
}

async function openAsOperator({ browser, apiUrl, operator }: Scene, viewport: typeof DESKTOP): Promise<Page> {
  const context = await browser.newContext({ viewport, locale: 'en-GB', colorScheme: 'light' });
  const page = await context.newPage();
  await page.goto(`${apiUrl}/admin/login`);
  await page.fill('[name=email]', operator.email);
  await page.fill('[name=password]', operator.password);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.waitForURL('**/admin');
  return page;
}
