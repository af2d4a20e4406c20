import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { type Configuration, Provider } from 'oidc-provider';

/** What a test can change while the provider runs: `PUT /test/state`. */
export interface ProviderState {
  /** The roles that people have, by their subject. */
  roles: Record<string, string | string[]>;
}

const state: ProviderState = { roles: {} };
const { PORT = '0', OUR_URLS = '' } = process.env;
const ourUrls = OUR_URLS.split(' ');
const issuer = `http://localhost:${PORT}`;

const configuration: Configuration = {
  clients: [
    {
      client_id: 'healify',
      client_secret: 'known-to-the-test',
      redirect_uris: ourUrls.map((url) => `${url}/auth/oidc/callback`),
      post_logout_redirect_uris: ourUrls.flatMap((url) => [`${url}/`, `${url}/admin/login`]),
      backchannel_logout_uri: `${ourUrls[0]}/auth/oidc/backchannel-logout`,
    },
  ],
  acrValues: ['urn:test:two-factors'],
  claims: { openid: ['sub', 'acr', 'auth_time'], email: ['email'], roles: ['role'] },
  cookies: { keys: ['of the test'] },
  features: { devInteractions: { enabled: false }, backchannelLogout: { enabled: true } },
  // Its own connections go to no loopback address, and our api has one.
  fetch: (url, options) => {
    Reflect.deleteProperty(options ?? {}, 'dispatcher');
    return fetch(url, options);
  },
  findAccount: (_context, accountId) => ({
    accountId,
    claims: () => ({ sub: accountId, email: `${accountId}@clinic.example`, role: state.roles[accountId] }),
  }),
  interactions: { url: (_context, { uid }) => `/interaction/${uid}` },
  // Everybody agrees that we may know what we ask for.
  loadExistingGrant: async ({ oidc }) => {
    const grant = new oidc.provider.Grant({ clientId: oidc.client!.clientId, accountId: oidc.session!.accountId! });
    grant.addOIDCScope('openid email roles');
    await grant.save();
    return grant;
  },
};
const provider = new Provider(issuer, configuration);
const answer = provider.callback();

async function interact(req: IncomingMessage, res: ServerResponse): Promise<void> {
  if (req.method === 'POST') {
    const form = new URLSearchParams(await text(req));
    const acr = form.get('acr');
    const result = { login: { accountId: form.get('name')!, ...(acr && { acr }) } };
    return await provider.interactionFinished(req, res, result);
  }
  res.setHeader('Content-Type', 'text/html').end(`<!doctype html><title>Login of the clinic</title><form method="post">
    <label>Name <input name="name"></label> <label>Factors <input name="acr"></label> <button>Continue</button></form>`);
}

const server = createServer(async (req, res) => {
  if (req.url === '/test/state') {
    Object.assign(state, JSON.parse(await text(req)));
    res.end();
  } else if (req.url!.startsWith('/interaction/')) await interact(req, res);
  else answer(req, res);
});
server.listen(Number(PORT), 'localhost');
await once(server, 'listening');
process.stdout.write(`listening on ${issuer}\n`);
