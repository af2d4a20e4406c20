/** The address of the page for somebody who has just erased their account. */
export const hrefOfReceipt = (erasureId: string) => `#/erased/${erasureId}`;

/** Returns the id of the receipt that such an address names. */
export const receiptIn = (hash: string): string | undefined => /^#\/erased\/([\w-]{1,128})$/.exec(hash)?.[1];
