/**
 * The requests that this process has let in since its last look at the queues. That look did not count them.
 *
 * A request has two states: it is *new* until a look begins, and *being looked for* while a look runs, because the look
 * may count it or not. A look that succeeds has counted it, so it is forgotten here. After a look that fails it is new
 * again. A request that ends is forgotten at any time.
 */
export function createAdmittedRequests() {
  let fresh = new Set<string>();
  let lookedFor = new Set<string>();
  return {
    get size(): number {
      return fresh.size + lookedFor.size;
    },
    add(requestId: string): void {
      fresh.add(requestId);
    },
    ended(requestId: string): void {
      if (!fresh.delete(requestId)) lookedFor.delete(requestId);
    },
    lookBegins(): void {
      lookedFor = fresh;
      fresh = new Set();
    },
    lookEnds({ succeeded }: { succeeded: boolean }): void {
      if (!succeeded) for (const requestId of lookedFor) fresh.add(requestId);
      lookedFor = new Set();
    },
  };
}
