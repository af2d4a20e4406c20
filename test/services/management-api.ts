/**
 * RabbitMQ's management API.
 * @param url with user and password
 * @throws Error from each call: the method, the path and the status of a reply that is not a success
 */
export function managementApi(url: string) {
  const { username, password, origin } = new URL(url);
  const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  const call = async (method: string, path: string, body?: object) => {
    const response = await fetch(`${origin}/api/${path}`, {
      method,
      headers: { authorization, 'content-type': 'application/json' },
      ...(body && { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`RabbitMQ: ${method} ${path}: ${response.status}`);
    return response;
  };
  return {
    get: async (path: string): Promise<unknown> => await (await call('GET', path)).json(),
    put: async (path: string, body: object) => void (await call('PUT', path, body)),
    remove: async (path: string) => void (await call('DELETE', path)),
  };
}
