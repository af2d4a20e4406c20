import { type ApiErrorCode, apiErrors, failures } from '../../src/contracts/error-codes.ts';

/** The tables of `docs/errors.md`: the errors of the API, and why an accepted question can fail. */
export const errorTables = () =>
  [
    '## Errors of the API',
    '',
    '| status | `code` | title | what the caller can do |',
    '|---|---|---|---|',
    ...(Object.keys(apiErrors) as ApiErrorCode[]).map((code) => {
      const { status, title, advice } = apiErrors[code];
      return row(String(status), `\`${code}\``, title, advice);
    }),
    '',
    '## Why a question fails',
    '',
    '| `error.code` | `error.message`, as the user reads it | asking again can help |',
    '|---|---|---|',
    ...Object.entries(failures).map(([code, { message, retryable }]) =>
      row(`\`${code}\``, message, retryable ? 'yes' : 'no'),
    ),
  ].join('\n');

const row = (...cells: string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
