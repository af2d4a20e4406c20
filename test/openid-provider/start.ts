import type { Page } from 'playwright-core';
import { freePort } from '../../tools/services/free-port.ts';
import { startScript } from '../processes.ts';
import { until } from '../until.ts';
import type { ProviderState } from './main.ts';

/**
 * A real OpenID provider, at another site than our pages.
 * @param ourUrls where our api is. The provider tells the first of them of logouts
 */
export async function startOpenIdProvider(ourUrls: readonly string[], port?: number) {
  const PORT = String(port ?? (await freePort()));
  const child = await startScript('test/openid-provider/main.ts', [], { PORT, OUR_URLS: ourUrls.join(' ') });
  const issuer = await until('the provider listens', () => {
    if (!child.running) throw new Error(child.output());
    return /listening on (\S+)/.exec(child.output())?.[1];
  });
  return {
    issuer,
    kill: () => child.kill(),
    change: async (state: ProviderState) => {
      await fetch(`${issuer}/test/state`, { method: 'PUT', body: JSON.stringify(state) });
    },
  };
}

export type OpenIdProvider = Awaited<ReturnType<typeof startOpenIdProvider>>;

/** The settings of an api whose people log in at the provider. */
export const providerSettings = (issuer: string, publicUrl: string) => ({
  OIDC_ISSUER: issuer,
  OIDC_CLIENT_ID: 'healify',
  OIDC_CLIENT_SECRET: 'known-to-the-test',
  OIDC_SCOPES: 'openid email roles',
  OIDC_NAME: 'Clinic & Sons',
  PUBLIC_URL: publicUrl,
});

/** Logs in on the provider's page that the browser shows. */
export async function logInAtProvider(page: Page, name: string, acr = ''): Promise<void> {
  await page.getByLabel('Name').fill(name);
  await page.getByLabel('Factors').fill(acr);
  await page.getByRole('button', { name: 'Continue' }).click();
}
