import type { Terminal } from '../../../tools/start/terminal.ts';

/** A terminal that keeps what is said on it. */
export function terminalText(): Terminal & { text(): string } {
  let said = '';
  const say = (text: string) => {
    said += `${text}\n`;
  };
  return {
    text: () => said,
    say,
    problem: say,
    doing: (what) => {
      say(`... ${what}`);
      return () => say(`ok ${what}`);
    },
    childLine: () => {},
    readable: (line) => line,
  };
}
