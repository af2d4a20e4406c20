/** Who cannot reach a server that is cut off, and whom it cannot reach: the other servers, or everybody. */
export type CutOffFrom = 'servers' | 'everybody';

/** What the thread of the doors is told to do. */
export type Order =
  | { kind: 'open'; server: string; port: number; to: number }
  | { kind: 'cut'; server: string; address: string; from: CutOffFrom }
  | { kind: 'heal' };

export interface Message {
  id: number;
  order: Order;
}

/** The order with this id was obeyed. */
export interface Reply {
  id: number;
}
