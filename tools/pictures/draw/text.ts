import { escapeHtml } from './format.ts';

/** Draws the Markdown that our text panels have: paragraphs and tables, with bold words, code and links. */
export function drawText(markdown: string): string {
  return markdown
    .split(/\n{2,}/)
    .map((block) => (block.startsWith('|') ? table(block.split('\n')) : `<p>${words(block)}</p>`))
    .join('');
}

function table([head = '', , ...rows]: string[]): string {
  const row = (line: string, tag: 'th' | 'td') =>
    `<tr>${line
      .split('|')
      .slice(1, -1)
      .map((cell) => `<${tag}>${words(cell.trim())}</${tag}>`)
      .join('')}</tr>`;
  return `<table>${row(head, 'th')}${rows.map((line) => row(line, 'td')).join('')}</table>`;
}

const words = (text: string) =>
  escapeHtml(text)
    .replace(/\*\*([^*]+)\*\*/g, '<b>$1</b>')
    .replace(/\*([^*]+)\*/g, '<em>$1</em>')
    .replace(/`([^`]+)`/g, '<code>$1</code>')
    .replace(/\[([^\]]+)\]\([^)]*\)/g, '<u>$1</u>');
