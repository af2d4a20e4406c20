import { brokerUrls } from '../../contracts/broker-urls.ts';

/** In which order the nodes of a broker are tried. */
export interface NodeOrder {
  /** The address of the node that is tried next. */
  next(): string;
}

/**
 * Tries the nodes in rounds, each in another random order, so that the processes spread over them. The node that was tried last
 * comes last in the next round: it has just failed.
 * @param url the addresses, separated by commas
 */
export function createNodeOrder(url: string): NodeOrder {
  const urls = brokerUrls(url);
  let round: string[] = [];
  let latest: string | undefined;
  return {
    next: () => {
      if (round.length === 0) {
        round = shuffled(urls.filter((one) => one !== latest));
        if (latest !== undefined) round.push(latest);
      }
      latest = round.shift()!;
      return latest;
    },
  };
}

const shuffled = <T>(items: readonly T[]): T[] =>
  items
    .map((item) => ({ item, place: Math.random() }))
    .sort((a, b) => a.place - b.place)
    .map(({ item }) => item);
