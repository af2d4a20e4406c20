/** What somebody does who looks at the page. */
const INPUTS = ['pointerdown', 'keydown', 'wheel', 'touchmove'] as const;

// Opening the page is something that a person does, too.
let somebodyDidSomething = true;
for (const input of INPUTS) {
  addEventListener(input, () => (somebodyDidSomething = true), { capture: true, passive: true });
}

/**
 * The headers of the next call. `X-Background` says that nobody has touched the page since the last one, so that a page
 * that nobody uses does not keep its login alive for ever.
 */
export function presenceHeaders(): Record<string, string> {
  const isBackground = !somebodyDidSomething;
  somebodyDidSomething = false;
  return isBackground ? { 'X-Background': '1' } : {};
}
