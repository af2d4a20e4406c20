import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** What a search of the logs has found. */
export interface LogFindings {
  lines: number;
  /** Lines that hold something secret. */
  leaks: string[];
  /** Lines that are no JSON, or that name the same id twice. */
  malformed: string[];
}

/** Texts that are secret by their form: a token of ours or of a provider, and a URL with a password. */
const SECRET_FORMS = [/\beyJ[\w-]{10,}\./, /\b[a-z][a-z\d+]*:\/\/[^/\s"]*:[^/\s"]*@/];
const IDS = /"(requestId|sessionId|traceId|userId|clientAddress)":/g;

/**
 * Searches everything that the apis and workers have logged.
 * @param secrets texts that no line may hold
 */
export async function searchLogs(dir: string, secrets: readonly string[]): Promise<LogFindings> {
  const files = (await readdir(dir)).filter((name) => name.endsWith('.log'));
  const found: LogFindings = { lines: 0, leaks: [], malformed: [] };
  for (const file of files) {
    const lines = (await readFile(join(dir, file), 'utf8')).split('\n').filter((line) => line !== '');
    found.lines += lines.length;
    found.leaks.push(...lines.filter((line) => holds(line, secrets)));
    found.malformed.push(...lines.filter(isMalformed));
  }
  return found;
}

const holds = (line: string, secrets: readonly string[]) =>
  secrets.some((secret) => line.includes(secret)) || SECRET_FORMS.some((form) => form.test(line));

function isMalformed(line: string): boolean {
  try {
    JSON.parse(line);
  } catch {
    // A process that was killed may have left half a line, and the next one has gone on behind it.
    return !line.startsWith('{"level"');
  }
  const named = [...line.matchAll(IDS)].map(([, name]) => name);
  return new Set(named).size < named.length;
}
