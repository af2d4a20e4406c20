import type { AuditDetails, AuditEvent, AuditTrail } from './audit.ts';
import { ApiError, HealifyError } from './errors.ts';

/**
 * Does something that must not be done without a record. The trail has an entry before it begins, and another one that says how
 * it ended.
 * @param event without its outcome
 * @param options.outcomeOf what to say of the end; left out: it is done
 * @throws StoreUnavailableError the trail cannot be written to; nothing was done
 */
export async function audited<T>(
  trail: AuditTrail,
  event: Omit<AuditEvent, 'outcome'>,
  act: () => Promise<T>,
  outcomeOf: (result: T) => { outcome?: AuditEvent['outcome']; details?: AuditDetails } = () => ({}),
): Promise<T> {
  const id = await trail.record({ ...event, outcome: 'begun' });
  const end = (outcome: AuditEvent['outcome'], details: AuditDetails = {}) =>
    trail.note({ ...event, outcome, details: { ...event.details, ...details } }, id);
  try {
    const result = await act();
    const { outcome = 'done', details } = outcomeOf(result);
    end(outcome, details);
    return result;
  } catch (error) {
    const refused = error instanceof ApiError && error.status < 500;
    end(refused ? 'refused' : 'failed', { code: error instanceof HealifyError ? error.code : 'internal_error' });
    throw error;
  }
}
