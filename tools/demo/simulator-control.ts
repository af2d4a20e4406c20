/** How a model answers on an ordinary day, in ms. */
const ORDINARY = { latencyMs: { median: 700, sigma: 0.5 } };
const OUTAGE = { mode: 'error', status: 503, latencyMs: 50 };

export interface SimulatorControl {
  ordinary(): Promise<void>;
  /** Each call fails. */
  outage(): Promise<void>;
  /** Each answer is this text, and a streamed one comes at this speed. */
  says(answer: string, tokensPerSecond: number): Promise<void>;
  /** Answers as it did at the beginning. */
  asBefore(): Promise<void>;
}

/** @param baseUrl of the simulator, with /v1 at its end */
export async function controlSimulator(baseUrl: string): Promise<SimulatorControl> {
  const url = new URL('/control/behavior', baseUrl);
  const before = await (await fetch(url)).json();
  const behave = async (behavior: unknown) => {
    const response = await fetch(url, { method: 'PUT', body: JSON.stringify(behavior) });
    if (!response.ok) throw new Error(`the simulator refuses: ${await response.text()}`);
  };
  return {
    ordinary: () => behave(ORDINARY),
    outage: () => behave(OUTAGE),
    says: (answer, tokensPerSecond) => behave({ answer, stream: { tokensPerSecond } }),
    asBefore: () => behave(before),
  };
}
