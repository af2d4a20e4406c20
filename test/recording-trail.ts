import type { AuditEvent, AuditTrail } from '../src/contracts/audit.ts';

/** An audit trail that keeps its entries in a list. Those of an action have the same id. */
export function recordingTrail(): { trail: AuditTrail; recorded: (AuditEvent & { id: string })[] } {
  const recorded: (AuditEvent & { id: string })[] = [];
  const note = (event: AuditEvent, id = `id ${recorded.length}`) => void recorded.push({ id, ...event });
  return {
    recorded,
    trail: {
      note,
      record: async (event, id = `id ${recorded.length}`) => {
        note(event, id);
        return id;
      },
    },
  };
}
