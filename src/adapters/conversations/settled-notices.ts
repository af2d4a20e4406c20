/** Tells a process which requests have ended, whichever replica has written their terminal state down. */
export interface SettledNotices {
  /** Begins to listen, and goes on for as long as the process runs. Call it once. */
  listen(listener: {
    /** Another replica has written a request's terminal state down, or its question was erased. */
    onSettled: (requestId: string) => void;
    /** Notices arrive from now on. Earlier ones may have been missed. */
    onListening: () => void;
  }): void;
  /**
   * Resolves if notices arrive at present. Costs no round trip, unless listening is just beginning.
   * @throws StoreUnavailableError
   */
  mustArrive(): Promise<void>;
}
