import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { brokersAndStores } from './brokers-and-stores.ts';
import { buildBoard } from './builders/board.ts';
import { logs } from './logs.ts';
import { modelAndCost } from './model-and-cost.ts';
import { overview } from './overview.ts';
import { serviceLevel } from './service-level.ts';
import { workflow } from './workflow.ts';

const boards = [overview, workflow, brokersAndStores, modelAndCost, serviceLevel, logs];

/** All dashboards as Grafana reads them, by the name of their file in `dashboards/`. */
export const dashboards = (): Record<string, Dashboard> =>
  Object.fromEntries(boards.map((board) => [`${board.name}.json`, buildBoard(board)]));
