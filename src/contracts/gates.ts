import { z } from 'zod';
import { age } from './dead-letters.ts';
import { brokenCauses } from './errors.ts';
import { dryRun } from './http/dry-run.ts';

/**
 * Why a gate is shut: too many calls failed, the provider asked for a pause, an operator has shut it, or the provider is
 * broken for everybody.
 */
export const gateCause = z.enum(['failures', 'retry-after', 'operator', ...brokenCauses]);

/** Why a provider is never asked: the settings say that texts may not go there. */
const refusalCause = z.enum(['no-region', 'no-agreement']);

export const gate = z
  .object({
    gate: z.string().describe('Its name: the provider and the model.'),
    provider: z.string(),
    model: z.string(),
    state: z
      .enum(['open', 'shut', 'probing'])
      .describe('`open`: the model may be asked. `shut`: it may not, for now. `probing`: one call tries it.'),
    region: z.string().nullable().describe('Where the provider processes texts. null: nobody has said so.'),
    agreement: z.string().nullable().describe('The agreement under which it does. null: nobody has named one.'),
    cause: z
      .enum([...gateCause.options, ...refusalCause.options])
      .nullable()
      .describe(
        'Why it is not open: too many `failures`; the provider asked for a pause (`retry-after`); an `operator` has shut ' +
          'it; or it is broken for everybody, because of our `key`, our `quota` or credit, or the `model` or address. Or it is never asked, because ' +
          'texts may not go there: its region is not allowed (`no-region`), or there is no agreement (`no-agreement`).',
      ),
    since: z.iso.datetime().nullable().describe('Since when it has not been open.'),
    until: z.iso.datetime().nullable().describe('When one call tries it again.'),
    keyFingerprint: z.string().nullable().describe('Fingerprint of the key in use when the gate was shut.'),
  })
  .meta({ id: 'Gate', description: "Whether a provider's model may be asked, for all workers together." });

export const gateList = z.object({ gates: z.array(gate) }).meta({ id: 'GateList' });

const gateName = z.string().min(1).max(300).describe('The name of the gate, as the list shows it.');

export const openGateBody = z.strictObject({ gate: gateName, dryRun }).meta({ id: 'OpenGate' });

/** An operator may shut a gate for at most so long. After that, one call tries the model. */
const MAX_SHUT_MS = 24 * 3_600_000;

export const shutGateBody = z
  .strictObject({
    gate: gateName,
    for: age
      .refine((ms) => ms > 0 && ms <= MAX_SHUT_MS, 'must be between 1s and 24h')
      .default(3_600_000)
      .describe(
        'For how long: `30s`, `15m`, `1h`; 1 hour by default, 24 at most. After that, one call tries the model.',
      ),
    dryRun,
  })
  .meta({ id: 'ShutGate' });

const gateEffects = z
  .object({
    jobs: z
      .object({ waiting: z.int(), delayed: z.int(), active: z.int() })
      .describe('The jobs that have not ended, of all gates together.'),
    otherGatesOpen: z.int().describe('How many other gates let calls pass. With a fallback, questions go there.'),
  })
  .describe('How many it concerns.');

export const openedGate = z
  .object({ gate: z.string(), wasShut: z.boolean(), dryRun: z.boolean(), effects: gateEffects })
  .meta({ id: 'OpenedGate', description: 'All workers may ask it now.' });

export const shutGateReport = z
  .object({
    gate: z.string(),
    wasShut: z.boolean(),
    until: z.iso
      .datetime()
      .describe('When one call tries it again. If it was shut for longer already, that time stays.'),
    cause: gateCause,
    dryRun: z.boolean(),
    effects: gateEffects,
  })
  .meta({ id: 'ShutGateReport', description: 'No worker asks it until then.' });

export type GateCause = z.output<typeof gateCause>;
export type Gate = z.output<typeof gate>;

/**
 * What an operator may do with the gates. `wasShut` is also true of a gate that was `probing`: see provider-gate.ts.
 */
export interface GateAdmin {
  /** Returns all gates that workers have or had within a day, and all shut gates, by name. */
  list(): Promise<Gate[]>;
  /** Lets all workers ask the model again at once. undefined: there is no gate of this name. */
  open(gate: string): Promise<{ gate: string; wasShut: boolean } | undefined>;
  /** Stops all calls to the model for so long, or for longer if it is shut for longer. undefined: as above. */
  shut(
    gate: string,
    forMs: number,
  ): Promise<{ gate: string; wasShut: boolean; until: string; cause: GateCause } | undefined>;
}
