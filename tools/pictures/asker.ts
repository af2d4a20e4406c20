/** Asks questions over the API, as one person with an account. */
export interface Asker {
  readonly email: string;
  readonly password: string;
  /** Waits for the end of the request. @returns its id */
  ask(message: string): Promise<string>;
}

const PASSWORD = 'a long password';
/** The longest that the API waits. */
const WAIT_S = 20;

/**
 * Makes an account. A new one has no conversations yet, and none of its answers is cached.
 * @throws Error the API refuses something
 */
export async function makeAsker(apiUrl: string): Promise<Asker> {
  const account = { email: `ada-${Date.now().toString(36)}@example.com`, password: PASSWORD };
  const post = async <Body>(path: string, body: object, headers: Record<string, string> = {}): Promise<Body> => {
    const response = await fetch(apiUrl + path, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`POST ${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as Body;
  };
  await post('/auth/register', account);
  const { accessToken } = await post<{ accessToken: string }>('/auth/login', account);
  const headers = { Authorization: `Bearer ${accessToken}`, Prefer: `wait=${WAIT_S}` };
  return {
    ...account,
    ask: async (message) => (await post<{ requestId: string }>('/chat/send', { message }, headers)).requestId,
  };
}
