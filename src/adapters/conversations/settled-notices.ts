/** Tells a process which requests have ended, whichever replica wrote the answer down. */
export interface SettledNotices {
  /** Begins to listen until the process ends. Call it once. */
  listen(listener: {
    /** Another replica has written the request's answer down, or its session was erased. */
    onSettled: (requestId: string) => void;
    /** Notices arrive from now on. Earlier ones may have been missed. */
    onListening: () => void;
  }): void;
  /**
   * Resolves if notices arrive at present. Costs no round trip, unless the subscription is just being made.
   * @throws StoreUnavailableError
   */
  mustArrive(): Promise<void>;
}
