/**
 * Empties the page when somebody leaves it. Browsers keep a page for their back button, and whoever presses that after a logout must
 * not see what it showed.
 */
export function leaveNothing(): void {
  addEventListener('pagehide', () => document.body.replaceChildren());
  addEventListener('pageshow', ({ persisted }) => {
    if (persisted) location.reload();
  });
}
