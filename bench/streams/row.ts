import type { Servers } from '../servers.ts';

/** One figure that is compared with its goal. */
export interface Figure {
  what: string;
  measured: number;
  unit: string;
  /** What must be reached. Left out: it is only shown. */
  goal?: { below: number } | { least: number };
}

/** Measures one row of the table. @param progress is told what is going on */
export type Row = (servers: Servers, progress: (text: string) => void) => Promise<Figure[]>;

export const isMissed = ({ measured, goal }: Figure): boolean =>
  goal !== undefined && !('below' in goal ? measured < goal.below : measured >= goal.least);
