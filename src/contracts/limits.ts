/** Bounds of what we accept, the same on every door. */
export const limits = {
  /** Longest id that a client may choose: requestId, sessionId, userId. */
  idChars: 128,
  /** Longest question, in UTF-16 code units. */
  messageChars: 16_000,
  /** Longest answer we keep and pass on. */
  responseChars: 400_000,
  /** Most earlier turns that a request may carry. */
  contextTurns: 100,
  /** Largest body of a message on `chat_requests`. */
  requestMessageBytes: 1024 * 1024,
  /** Largest body of a message on `chat_responses`. */
  responseMessageBytes: 2 * 1024 * 1024,
  /** Largest body of an HTTP request. */
  httpBodyBytes: 128 * 1024,
  /** About how much a page of turns may take, as it is stored; but it has one turn at least. */
  pageBytes: 1024 * 1024,
  /** Most turns of one session. */
  sessionTurns: 500,
  idempotencyKeyChars: 128,
  emailChars: 254,
  passwordChars: 128,
  modelNameChars: 128,
} as const;
