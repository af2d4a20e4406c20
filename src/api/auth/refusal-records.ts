import type { Request } from 'express';
import type { AuditTrail } from '../../contracts/audit.ts';
import type { ApiError } from '../../contracts/errors.ts';
import { senderOf } from '../audit.ts';

const REMEMBER_MS = 60_000;
/** Above this, what was recorded is forgotten before its time. */
const MOST_REMEMBERED = 10_000;

/** Records that somebody tried what their role may not do. */
export type RecordRefusal = (req: Request, right: string | undefined, error: ApiError) => void;

/** The same of the same person is recorded once a minute, so nobody can fill the trail. */
export function createRecordRefusal({ trail }: { trail: Pick<AuditTrail, 'note'> }): RecordRefusal {
  const recordedAt = new Map<string, number>();

  return (req, right, error) => {
    const { userId, role } = req.user!;
    const key = JSON.stringify([userId, right, error.code]);
    const now = Date.now();
    if (now - (recordedAt.get(key) ?? 0) < REMEMBER_MS) return;
    if (recordedAt.size >= MOST_REMEMBERED) recordedAt.clear();
    recordedAt.set(key, now);
    trail.note({
      action: 'right.refuse',
      actor: { kind: 'user', userId, role },
      address: senderOf(req).address,
      outcome: 'refused',
      details: { code: error.code, ...(right !== undefined && { filter: { right } }) },
    });
  };
}
