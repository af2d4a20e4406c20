/** A server of our own, on 127.0.0.1. */
export interface Service {
  readonly url: string;
  /** Tells it to end, and waits until it has. */
  stop(): Promise<void>;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** Starts it again, on the same port and with the same data. */
  start(): Promise<void>;
  /**
   * Resolves with its exit code when it ends, for whatever reason. Absent if something else, such as Docker, starts it
   * again.
   */
  exited?(): Promise<number | undefined>;
  /** The file with what it writes. Absent if something else, such as Docker, keeps that. */
  readonly logFile?: string;
  /** RabbitMQ's management page, with user and password. */
  readonly managementUrl?: string;
}
