/** A mail to one person. */
export interface Mail {
  to: string;
  subject: string;
  /** Plain text. */
  text: string;
}

/** Sends mails, later. Nobody waits for them, so that no time tells whether there was one. */
export interface Outbox {
  send(mail: Mail): void;
}
