import { controlSimulator } from '../demo/simulator-control.ts';
import { makeAsker } from './asker.ts';
import type { Scene } from './scene.ts';
import { takePicture } from './take-picture.ts';

const EARLIER = ['What are healthy eating habits?', 'How much should I sleep?', 'Is coffee bad for the heart?'];
const QUESTION = 'Which plants have much iron?';
const ANSWER = `Plants give you **non-heme iron**. Your body takes up more of it together with vitamin C.

| Food | Iron in 100 g | Good with |
|---|---:|---|
| Lentils, cooked | 3.3 mg | red pepper |
| Spinach | 2.7 mg | lemon juice |
| Pumpkin seeds | 8.8 mg | an orange |

- Drink coffee and tea **between** meals: they slow the uptake down.
- Ask your doctor for a blood test before you take tablets.

More is in the [facts of the WHO](https://www.who.int/health-topics/anaemia).
`;
/** The picture is taken when the answer has come so far. */
const SO_FAR = 'they slow';
const TOKENS_PER_SECOND = 12;

/** The chat page with earlier conversations, while an answer is being written. */
export async function pictureChat({ browser, apiUrl, simulatorUrl }: Scene, file: string): Promise<void> {
  const asker = await makeAsker(apiUrl);
  for (const question of EARLIER) await asker.ask(question);
  const simulator = await controlSimulator(simulatorUrl);
  await simulator.says(ANSWER, TOKENS_PER_SECOND);
  try {
    const context = await browser.newContext({
      viewport: { width: 1180, height: 720 },
      locale: 'en-GB',
      colorScheme: 'light',
    });
    const page = await context.newPage();
    await page.goto(apiUrl);
    await page.getByLabel('Email').fill(asker.email);
    await page.getByLabel('Password').fill(asker.password);
    await page.locator('button[type=submit]').click();
    await page.getByRole('link', { name: EARLIER[0]! }).waitFor();
    await page.getByLabel('Your question').fill(QUESTION);
    await page.keyboard.press('Enter');
    await page.getByText(SO_FAR).waitFor();
    await takePicture(page, file);
    await context.close();
  } finally {
    await simulator.asBefore();
  }
}
