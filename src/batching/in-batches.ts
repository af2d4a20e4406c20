/**
 * Turns a function of many items into a function of one item. Items are collected into a batch if they come in the same
 * turn of the event loop, or while the previous batch runs. So a batch has one item when there is little to do, and
 * many under load.
 * @param options.gatherMs how long the first item of a batch waits for others, while there are fewer than `maxItems`
 * @param run returns a result for each item, in order. If it rejects, all items of the batch reject
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
