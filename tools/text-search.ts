import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

// Looks for a text in what servers and processes have written.

/** The ways in which a text may be written. */
const formsOf = (text: string) => [
  text,
  encodeURIComponent(text),
  // Three alignments of base64, without the characters that depend on what is beside the text.
  ...[0, 1, 2].map((before) => {
    const whole = Buffer.from('x'.repeat(before) + text).toString('base64');
    return whole.slice(before === 0 ? 0 : 4, whole.length - 8);
  }),
];

/** The ways in which a text is found in these bytes. */
export const formsIn = (bytes: Buffer | string, text: string): string[] => {
  const searched = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes);
  return [...new Set(formsOf(text))].filter((form) => searched.includes(form));
};

/** The ways in which a text is found in the files of a folder and of those below it. */
export function formsInFolder(dir: string, text: string): string[] {
  const files = readdirSync(dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return [...new Set(files.flatMap((file) => formsIn(bytesOf(join(file.parentPath, file.name)), text)))];
}

/** A server that runs may remove a file at any moment. */
function bytesOf(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return Buffer.alloc(0);
    throw error;
  }
}
