/**
 * Makes one function of many items from one of a single item: items that are given in the same turn of the event loop,
 * and while a batch is under way, are carried out together. So a batch is one item when idle, and as many as there are
 * under load.
 * @param options.gatherMs how long the first of a batch waits for others, while there are fewer than `maxItems`
 * @param run gives a result for each item, in their order; when it rejects, all of the batch reject
 */
export function inBatches<Item, Result>(
  run: (items: Item[]) => Promise<readonly (Result | Promise<Result>)[]>,
  { maxItems, gatherMs = () => 0 }: { maxItems: number; gatherMs?: () => number },
): (item: Item) => Promise<Result> {
  interface Entry {
    item: Item;
    resolve: (result: Result | Promise<Result>) => void;
    reject: (error: unknown) => void;
  }
  const entries: Entry[] = [];
  let underWay = false;
  let onFull: () => void = () => {};

  const untilFull = (ms: number) =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      onFull = () => {
        clearTimeout(timer);
        resolve();
      };
    });

  async function runAll(): Promise<void> {
    while (entries.length > 0) {
      const waitMs = entries.length < maxItems ? gatherMs() : 0;
      if (waitMs > 0) await untilFull(waitMs);
      const batch = entries.splice(0, maxItems);
      try {
        const results = await run(batch.map(({ item }) => item));
        for (const [index, { resolve }] of batch.entries()) resolve(results[index] as Result);
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    underWay = false;
  }

  return (item) =>
    new Promise((resolve, reject) => {
      entries.push({ item, resolve, reject });
      if (entries.length === maxItems) onFull();
      if (underWay) return;
      underWay = true;
      setImmediate(() => void runAll());
    });
}
