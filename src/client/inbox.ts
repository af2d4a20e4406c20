/** What arrives for one reader, in order, until it ends. */
export interface Inbox<T> extends AsyncIterable<T> {
  push(item: T): void;
  /** Nothing more comes. What has come is still read. @param error is thrown after that */
  end(error?: unknown): void;
}

export function createInbox<T>(): Inbox<T> {
  let items: T[] = [];
  let ended: { error: unknown } | undefined;
  let wake = () => {};
  return {
    push: (item) => {
      if (!ended) items.push(item);
      wake();
    },
    end: (error) => {
      ended ??= { error };
      wake();
    },
    async *[Symbol.asyncIterator]() {
      for (;;) {
        const arrived = items;
        items = [];
        yield* arrived;
        if (items.length > 0) continue;
        if (ended?.error !== undefined) throw ended.error;
        if (ended) return;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
  };
}
