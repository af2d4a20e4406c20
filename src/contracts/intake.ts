/** Whether workers take questions from `chat_requests`, as an operator has set it for all of them. */
export interface IntakePause {
  paused: boolean;
  /** ISO 8601; null unless it is paused. */
  since: string | null;
  /** Who paused it: the user id of an admin, or `command`; null unless it is paused. */
  by: string | null;
}

/** What an operator may do with the intake. All methods reject with StoreUnavailableError. */
export interface IntakeAdmin {
  read(): Promise<IntakePause>;
  /** Pausing what is paused changes nothing: it stays paused since then, by whoever did it. */
  pause(by: string): Promise<{ changed: boolean; intake: IntakePause }>;
  resume(): Promise<{ changed: boolean; intake: IntakePause }>;
}
