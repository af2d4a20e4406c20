/** A process of this installation, as its heartbeat shows it. */
export interface SeenProcess {
  /** Its own, from its start to its end. */
  id: string;
  role: 'api' | 'worker';
  version: string;
  /** Fingerprint of the settings that must be the same in all processes. */
  settings: string;
  /** ISO 8601 */
  startedAt: string;
  /** How long its last heartbeat is ago, ms. */
  silentMs: number;
  /** `missing`: it has fallen silent without saying that it stops. */
  state: 'alive' | 'missing';
}
