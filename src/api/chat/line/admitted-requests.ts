/**
 * The requests that this process has let in, and that its last look at the queues did not see.
 *
 * A request is *new* until a look begins. While the look is under way it is *being looked for*: it may be in the queues
 * that are seen, or not yet. When the look succeeds the request is counted among what was seen, so it is forgotten here;
 * when the look fails it is new again. A request that ends is forgotten at any time.
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
