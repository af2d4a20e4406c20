import type { DemoAccounts } from './accounts.ts';
import type { Environment } from './environment.ts';

/** What there is now, and what to try first. */
export function banner(options: {
  env: Environment;
  accounts: DemoAccounts | undefined;
  simulated: boolean;
  dataDir: string;
}): string {
  const { env, accounts, simulated, dataDir } = options;
  const [api, worker] = [`http://localhost:${env.API_PORT}`, `http://localhost:${env.WORKER_PORT}`];
  const lines = [
    '',
    'healify-chat runs',
    `  API           ${api}         documentation: ${api}/docs`,
    `  Bull Board    ${api}/admin/queues`,
    `  Health        ${api}/health   ${worker}/health`,
    `  Metrics       http://localhost:${env.API_METRICS_PORT}/metrics   http://localhost:${env.WORKER_METRICS_PORT}/metrics`,
    simulated
      ? '  Model         a simulator answers: set OPENAI_API_KEY, in the environment or in .env, for a real one'
      : `  Model         ${env.CHAT_MODEL ?? 'the default model'} at ${env.OPENAI_BASE_URL ?? 'OpenAI'}`,
    `  Data, logs    ${dataDir}`,
  ];
  if (accounts) {
    const { user, admin } = accounts;
    lines.push(
      `  Demo login    ${user.email}   ${user.password}`,
      `  Admin login   ${admin.email}  ${admin.password}`,
      '',
      'Try it:',
      '',
      curl(api, user.email, user.password),
    );
  }
  return [...lines, '', 'Ctrl-C stops everything; the data stays.', ''].join('\n');
}

/** Logs in and asks, in one line that can be pasted. */
const curl = (api: string, email: string, password: string) =>
  `curl -s ${api}/chat/send -H "Authorization: Bearer $(curl -s ${api}/auth/login -H 'Content-Type: application/json'` +
  ` -d '{"email":"${email}","password":"${password}"}' | sed 's/.*"accessToken":"\\([^"]*\\)".*/\\1/')"` +
  ` -H 'Content-Type: application/json' -H 'Prefer: wait=20' -d '{"message":"What are healthy eating habits?"}'`;
