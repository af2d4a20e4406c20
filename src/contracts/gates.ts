import { z } from 'zod';
import { brokenCauses } from './errors.ts';

/**
 * Why a gate is shut: too many calls failed, the provider asked for a pause, or the provider is broken for everybody.
 */
export const gateCause = z.enum(['failures', 'retry-after', ...brokenCauses]);

export const gate = z
  .object({
    gate: z.string().describe('Its name: the provider and the model.'),
    provider: z.string(),
    model: z.string(),
    state: z
      .enum(['closed', 'open', 'half-open'])
      .describe('`closed`: the model may be asked. `open`: it may not, for now. `half-open`: one call tries it.'),
    cause: gateCause
      .nullable()
      .describe(
        'Why it is not closed: too many `failures`; the provider asked for a pause (`retry-after`); or it is broken for ' +
          'everybody, because of our `key`, our `quota` or credit, or the `model` or address.',
      ),
    since: z.iso.datetime().nullable().describe('Since when it has not been closed.'),
    until: z.iso.datetime().nullable().describe('When one call tries it again.'),
    keyFingerprint: z.string().nullable().describe('Fingerprint of the key in use when the gate was shut.'),
  })
  .meta({ id: 'Gate', description: "Whether a provider's model may be asked, for all workers together." });

export const gateList = z.object({ gates: z.array(gate) }).meta({ id: 'GateList' });

export const openGateBody = z
  .strictObject({ gate: z.string().min(1).max(300).describe('The name of the gate, as the list shows it.') })
  .meta({ id: 'OpenGate' });

export const openedGate = z
  .object({ gate: z.string(), wasShut: z.boolean() })
  .meta({ id: 'OpenedGate', description: 'All workers may ask it now.' });

export type GateCause = z.output<typeof gateCause>;
export type Gate = z.output<typeof gate>;

/**
 * What an operator may do with the gates. A gate that is *shut* has the state `open` or `half-open`: see
 * provider-gate.ts.
 */
export interface GateAdmin {
  /** Returns all gates that workers have or had within a day, and all shut gates, by name. */
  list(): Promise<Gate[]>;
  /** Lets all workers ask the model again at once. undefined: there is no gate of this name. */
  open(gate: string): Promise<{ gate: string; wasShut: boolean } | undefined>;
}
