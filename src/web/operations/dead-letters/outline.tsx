import type { Letter } from '../../../contracts/dead-letters.ts';
import { countOf } from '../../components/format.ts';

type Field = NonNullable<Letter['outline']>['fields'][number];

/** What a letter's body looks like, without what it says. */
export function Outline({ letter: { bytes, encoding, outline } }: { letter: Letter }) {
  if (bytes === 0) return <>empty</>;
  if (encoding === 'binary') return <>not text</>;
  if (!outline) return <>not a JSON object, or too large to look at</>;
  const { fields, otherFields } = outline;
  return (
    <>
      a JSON object
      {fields.length > 0 && (
        <ul class="outline">
          {fields.map((field) => (
            <li key={field.name}>
              <code>{field.name}</code> <span class="quiet">{shapeOf(field)}</span>
            </li>
          ))}
        </ul>
      )}
      {otherFields > 0 && (
        <>
          {' '}
          {fields.length > 0 ? 'and' : 'of'} {countOf(otherFields, 'unknown field')}
        </>
      )}
    </>
  );
}

function shapeOf({ type, length }: Field): string {
  if (type === 'string') return countOf(length ?? 0, 'character');
  if (type === 'array') return `list of ${countOf(length ?? 0, 'item')}`;
  return type;
}
