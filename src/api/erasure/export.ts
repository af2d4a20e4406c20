import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { RequestHandler, Response } from 'express';
import type { AuditDetails, AuditEvent, AuditTrail } from '../../contracts/audit.ts';
import type { ExportLine } from '../../contracts/http/export-lines.ts';
import { auditedFor } from '../audit.ts';
import type { DataExporter } from './export-data.ts';
import { mustHaveJustLoggedIn } from './prove-identity.ts';

/** GET /account/export: everything that is kept of the user, as a file to download. */
export function getExport({ exporter, trail }: { exporter: DataExporter; trail: AuditTrail }): RequestHandler {
  return async (req, res) => {
    const caller = req.user!;
    const event = { action: 'account.export', subject: { kind: 'account', id: caller.userId } } as const;
    const send = async () => {
      mustHaveJustLoggedIn(caller);
      return await sendLines(res, exporter.export(caller.userId));
    };
    await auditedFor({ req, trail }, event, send, endOf);
  };
}

/** Resolves with the last line. */
async function sendLines(res: Response, lines: AsyncGenerator<ExportLine>): Promise<ExportLine> {
  // The first line is read before the reply begins, so that a store that is away gets its error.
  let last = (await lines.next()).value as ExportLine;
  async function* texts() {
    yield lineOf(last);
    for await (last of lines) yield lineOf(last);
  }
  res.attachment(`healify-chat-${new Date().toISOString().slice(0, 10)}.ndjson`).type('application/x-ndjson');
  await pipeline(Readable.from(texts()), res);
  return last;
}

const lineOf = (line: ExportLine) => `${JSON.stringify(line)}\n`;

/** What the audit trail has of the end. */
function endOf(last: ExportLine): { outcome?: AuditEvent['outcome']; details?: AuditDetails } {
  if (last.type !== 'end') return { outcome: 'failed' };
  const count = Object.values(last.counts).reduce((sum, each) => sum + each, 0);
  const [missing] = last.missing;
  return missing ? { outcome: 'failed', details: { count, code: missing.code } } : { details: { count } };
}
