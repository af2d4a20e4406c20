/** The largest values that we accept, the same over HTTP and AMQP. */
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
  /** About how much the turns of one page may take, as they are stored. A page has at least one turn, however long. */
  pageBytes: 1024 * 1024,
  /** Most turns of one session. */
  sessionTurns: 500,
  /** Longest title of a conversation, in UTF-16 code units. */
  titleChars: 120,
  /** Most event streams that a user may have open at one api process. A subscription of a WebSocket is one, too. */
  streamsPerUser: 50,
  /** Most WebSockets that a user may have open at one api process. */
  socketsPerUser: 20,
  /** Most messages that a WebSocket may send at once, and then in each second. */
  socketMessages: { atOnce: 100, perSecond: 20 },
  /** Longest access token on a WebSocket. */
  tokenChars: 16_384,
  /** Longest comment on an answer. */
  commentChars: 1_000,
  /** Longest text that is searched for in titles. */
  searchChars: 100,
  idempotencyKeyChars: 128,
  emailChars: 254,
  /** Before the @. */
  emailNameChars: 64,
  passwordChars: 128,
  modelNameChars: 128,
} as const;
