/** A cursor that none of our pages has given. */
export class UnreadableCursor extends Error {}
