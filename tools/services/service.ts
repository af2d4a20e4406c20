/** A server of our own, on 127.0.0.1. */
export interface Service {
  readonly url: string;
  /** Ends it orderly. */
  stop(): Promise<void>;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** Starts it again, on the same port and with the same data. */
  start(): Promise<void>;
  /** Resolves with its exit code when it ends, for whatever reason; absent where something else starts it again. */
  exited?(): Promise<number | undefined>;
  /** What it writes; absent where something else keeps that. */
  readonly logFile?: string;
  /** RabbitMQ's management page, with user and password. */
  readonly managementUrl?: string;
}
