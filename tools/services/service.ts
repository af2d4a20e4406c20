/** A server of our own, on 127.0.0.1. */
export interface Service {
  readonly url: string;
  /** Asks it to end, and waits until it has ended. */
  stop(): Promise<void>;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** Starts it again, on the same port and with the same data. */
  start(): Promise<void>;
  /**
   * Resolves with its exit code when it ends, for whatever reason. Missing if something else restarts it, such as
   * Docker.
   */
  exited?(): Promise<number | undefined>;
  /** The file with its output. Missing if something else keeps the output, such as Docker. */
  readonly logFile?: string;
  /** RabbitMQ's management page, with user and password. */
  readonly managementUrl?: string;
  /** host:port of RabbitMQ's own metrics, if it shows them. */
  readonly metricsAddress?: string | undefined;
}
