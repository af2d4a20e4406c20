import { expect, test } from '@jest/globals';
import { decodeEntities } from '../../../src/web/chat/markdown/decode-entities.ts';
import { safeLink } from '../../../src/web/chat/markdown/safe-link.ts';

test.each([
  ['https://who.int/a?b=c#d', 'https://who.int/a?b=c#d'],
  ['HTTP://example.com', 'http://example.com/'],
  ['mailto:help@example.com', 'mailto:help@example.com'],
])('a link to %s is kept', (href, address) => {
  expect(safeLink(href)).toBe(address);
});

test.each([
  'javascript:alert(1)',
  'JaVaScRiPt:alert(1)',
  ' javascript:alert(1)',
  'java\nscript:alert(1)',
  '\u0001javascript:alert(1)',
  'data:text/html,<script>alert(1)</script>',
  'vbscript:msgbox(1)',
  'file:///etc/passwd',
  'blob:https://example.com/1',
  'tel:911',
  '/admin',
  '//evil.example',
  '#x',
  'https://known.example@evil.example/',
  'https://',
  '',
])('a link to %j is shown as text', (href) => {
  expect(safeLink(href)).toBeUndefined();
});

test('character references become characters, and nothing else does', () => {
  expect(decodeEntities('5 &lt; 7 &amp; 37&nbsp;&deg;C &#8212; &#x1F600;')).toBe('5 < 7 & 37\u00a0°C — 😀');
  expect(decodeEntities('&constructor; &#0; &#xD800; &#9999999; &nope; &amp')).toBe(
    '&constructor; &#0; &#xD800; &#9999999; &nope; &amp',
  );
});
