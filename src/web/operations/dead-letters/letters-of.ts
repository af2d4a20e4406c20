import { countOf } from '../../components/format.ts';

/** `1 letter`, `12 letters` */
export const lettersOf = (count: number) => countOf(count, 'letter');
