import { setTimeout as sleep } from 'node:timers/promises';
import type { CutOffFrom } from '../tools/services/network/orders.ts';
import type { Fault } from './audit.ts';
import type { CutVictim } from './servers/servers.ts';
import type { Stack, Victim } from './stack.ts';

/** A fault, and how many ms after the start it is due. */
export type PlannedFault = { atMs: number } & (
  | { kind: 'kill'; victim: Victim; downMs: number }
  | { kind: 'cut'; victim: CutVictim; from: CutOffFrom }
);

/** The longest time between the simulator's reply and the answer in the job. */
const JUST_ANSWERED_MS = 500;
const DOWN_MS = { least: 300, most: 3_000 };
/** Some of these are shorter than a failover takes, and some are longer. */
const DOWN_IN_CLUSTER_MS = { least: 1_000, most: 8_000 };
const CUT_MS = 20_000;
/** How many times the time of a kill is kept free for a cut. */
const CUT_WEIGHT = 2;
const CUTS: readonly { victim: CutVictim; from: CutOffFrom }[] = [
  { victim: 'redis', from: 'servers' },
  { victim: 'rabbitmq', from: 'servers' },
  { victim: 'redis', from: 'everybody' },
  { victim: 'rabbitmq', from: 'everybody' },
];
/** The next fault waits at most so long until the servers have recovered from the one before. */
const RECOVERY_MS = 60_000;

/** Plans when what happens: each kind in turn, spread over the time of asking, with the cuts among the kills. */
export function planFaults(options: {
  stack: Pick<Stack, 'victims' | 'oneFaultAtATime'>;
  kills: number;
  cuts: number;
  /** How long is asked. */
  wholeMs: number;
  random: () => number;
}): PlannedFault[] {
  const { stack, kills, cuts, wholeMs, random } = options;
  const { least, most } = stack.oneFaultAtATime ? DOWN_IN_CLUSTER_MS : DOWN_MS;
  const unit = wholeMs / (kills + CUT_WEIGHT * cuts);
  const faults: PlannedFault[] = [];
  let [killed, cut, begun] = [0, 0, 0];
  while (killed + cut < kills + cuts) {
    const cutIsDue = cut < cuts && (killed === kills || (cut + 0.5) / cuts <= killed / kills);
    const atMs = (begun + 0.2 + random() * 0.8) * unit;
    if (cutIsDue) {
      faults.push({ kind: 'cut', atMs, ...CUTS[cut++ % CUTS.length]! });
      begun += CUT_WEIGHT;
    } else {
      const victim = stack.victims[killed++ % stack.victims.length]!;
      faults.push({ kind: 'kill', atMs, victim, downMs: least + random() * (most - least) });
      begun += 1;
    }
  }
  return faults;
}

/**
 * Does what was planned. Where the servers promise to survive one fault at a time, each fault waits until they have recovered from
 * the one before.
 * @param onFault hears of each fault when it begins
 */
export async function inflictAll(
  stack: Stack,
  plan: readonly PlannedFault[],
  onFault: (fault: Fault) => void,
): Promise<void> {
  const startedAt = Date.now();
  const inflictOne = async (planned: PlannedFault) => {
    await sleep(Math.max(0, startedAt + planned.atMs - Date.now()));
    const fault = await begin(stack, planned, onFault);
    await inflict(stack, planned, fault);
    if (!stack.oneFaultAtATime) return;
    await stack.untilWhole(RECOVERY_MS);
    fault.recoveredAt = Date.now();
  };
  if (!stack.oneFaultAtATime) return void (await Promise.all(plan.map(inflictOne)));
  for (const planned of plan) await inflictOne(planned);
}

async function begin(stack: Stack, { kind, victim }: PlannedFault, onFault: (fault: Fault) => void): Promise<Fault> {
  const before = await callsOf(stack);
  const at = Date.now();
  const underWay = before.filter(({ endedAt }) => endedAt === null || Date.parse(endedAt) > at - JUST_ANSWERED_MS);
  const fault: Fault = { kind, victim, at, until: at, callsUnderWay: underWay.length };
  onFault(fault);
  return fault;
}

async function inflict(stack: Stack, planned: PlannedFault, fault: Fault): Promise<void> {
  const { at } = fault;
  if (planned.kind === 'kill') return await stack.kill(planned.victim, planned.downMs);
  await stack.cut(planned.victim, planned.from, CUT_MS);
  fault.until = Date.now();
  // Whatever a server that was cut off has noted meanwhile may be lost.
  fault.callsUnderWay += (await callsOf(stack)).filter(({ startedAt }) => Date.parse(startedAt) > at).length;
}

const callsOf = async (stack: Stack) =>
  (await stack.control<{ calls: { startedAt: string; endedAt: string | null }[] }>('calls')).calls;
