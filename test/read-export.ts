import type { ExportLine } from '../src/contracts/http/export-lines.ts';
import type { KindOfData } from '../src/contracts/kept-data.ts';

/** GET /account/export. What is kept of a user, by kind. */
export async function readExport({ url, accessToken }: { url: string; accessToken: string }) {
  const reply = await fetch(`${url}/account/export`, { headers: { Authorization: `Bearer ${accessToken}` } });
  const text = await reply.text();
  const { status, headers } = reply;
  if (status !== 200) return { status, headers, text, lines: [], items: () => [], end: undefined };
  const lines = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as ExportLine);
  const end = lines.at(-1);
  return {
    ...{ status, headers, text, lines },
    items: (kind: KindOfData) =>
      lines.flatMap((line) => (line.type === 'item' && line.kind === kind ? [line.item] : [])),
    end: end?.type === 'end' ? end : undefined,
  };
}
