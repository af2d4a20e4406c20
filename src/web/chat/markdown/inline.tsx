import type { MarkedToken, Token, Tokens } from 'marked';
import type { ComponentChildren } from 'preact';
import { decodeEntities } from './decode-entities.ts';
import { safeLink } from './safe-link.ts';

/** The inside of a block. */
export const Inline = ({ tokens }: { tokens: Token[] | undefined }): ComponentChildren =>
  tokens?.map((token, index) => <One key={index} token={token} />);

function One({ token: given }: { token: Token }): ComponentChildren {
  const token = given as MarkedToken;
  switch (token.type) {
    case 'text':
      return 'tokens' in token && token.tokens ? <Inline tokens={token.tokens} /> : decodeEntities(token.text);
    case 'escape':
      return token.text;
    case 'strong':
      return (
        <strong>
          <Inline tokens={token.tokens} />
        </strong>
      );
    case 'em':
      return (
        <em>
          <Inline tokens={token.tokens} />
        </em>
      );
    case 'del':
      return (
        <del>
          <Inline tokens={token.tokens} />
        </del>
      );
    case 'codespan':
      return <code dir="auto">{token.text}</code>;
    case 'br':
      return <br />;
    case 'checkbox':
      return token.checked ? '☑ ' : '☐ ';
    case 'link':
      return <Link token={token} />;
    case 'image':
      // An image would tell its server who reads the answer.
      return token.text === '' ? null : <span class="image">{`[${decodeEntities(token.text)}]`}</span>;
    default:
      return given.raw;
  }
}

function Link({ token }: { token: Tokens.Link }) {
  const href = safeLink(token.href);
  if (!href) return <Inline tokens={token.tokens} />;
  return (
    <a href={href} target="_blank" rel="noopener noreferrer nofollow">
      <Inline tokens={token.tokens} />
    </a>
  );
}
