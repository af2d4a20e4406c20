import type { DemoAccounts } from './accounts.ts';
import { baseUrlOf, withoutPassword } from './addresses.ts';
import type { Environment } from './environment.ts';
import { metricsUrlOf, type StartedMonitoring } from './monitoring.ts';

/**
 * Returns the text that lists the addresses of everything that runs, and suggests what to try first.
 * @param options.managementUrl RabbitMQ's management page, with user and password; undefined if RabbitMQ is not ours
 */
export function banner(options: {
  env: Environment;
  accounts: DemoAccounts | undefined;
  managementUrl: string | undefined;
  monitoring: Pick<StartedMonitoring, 'prometheusUrl' | 'alertmanagerUrl'>;
  simulated: boolean;
  dataDir: string;
}): string {
  const { env, accounts, managementUrl, monitoring, simulated, dataDir } = options;
  const url = (setting: string) => baseUrlOf(env, setting);
  const api = url('API_PORT');
  const lines = [
    '',
    'healify-chat runs',
    `  Chat page     ${api}/`,
    `  API           ${api}`,
    `  API page      ${api}/docs   for programs: ${api}/openapi.json   queues: ${api}/asyncapi.json`,
    `  Operations    ${api}/admin   jobs in Bull Board: ${api}/admin/queues`,
    `  Health        ${api}/health   ${url('WORKER_PORT')}/health`,
    `  Metrics       ${metricsUrlOf(env, 'API')}/metrics   ${metricsUrlOf(env, 'WORKER')}/metrics`,
    ...monitors(monitoring),
    ...rabbitMq(env, managementUrl),
    `  Redis         ${withoutPassword(env.REDIS_URL ?? '')}`,
    simulated
      ? '  Model         a simulator answers: set OPENAI_API_KEY, in the environment or in .env, for a real one'
      : `  Model         ${env.CHAT_MODEL ?? 'the default model'} at ${env.OPENAI_BASE_URL ?? 'OpenAI'}`,
    `  Data, logs    ${dataDir}`,
  ];
  if (accounts) {
    const { user, operator, officer, admin } = accounts;
    lines.push(
      `  Demo login    ${user.email}   ${user.password}`,
      `  Operator      ${operator.email}   ${operator.password}   keeps the work going`,
      `  Privacy       ${officer.email}   ${officer.password}   may read texts, with a reason`,
      `  Admin         ${admin.email}   ${admin.password}   manages accounts`,
      env.STAFF_SECOND_FACTOR === 'optional'
        ? '                Here, these three log in with a password only. STAFF_SECOND_FACTOR=required asks for an authenticator app'
        : `                These three need an authenticator app first: log in to ${api}/#/account, and set it up there`,
      '',
      'Try it:',
      '',
      curl(api, user.email, user.password),
    );
  }
  return [...lines, '', 'Ctrl-C stops everything; the data stays.', ''].join('\n');
}

function monitors({
  prometheusUrl,
  alertmanagerUrl,
}: Pick<StartedMonitoring, 'prometheusUrl' | 'alertmanagerUrl'>): string[] {
  if (!prometheusUrl)
    return ['  Prometheus    not installed; Debian: prometheus, prometheus-alertmanager, prometheus-redis-exporter'];
  const lines = [`  Prometheus    ${prometheusUrl}   alerts: ${prometheusUrl}/alerts`];
  return alertmanagerUrl ? [...lines, `  Alertmanager  ${alertmanagerUrl}`] : lines;
}

/** The password of our own RabbitMQ is shown. It listens only on this machine, and publishers need the password. */
function rabbitMq(env: Environment, managementUrl: string | undefined): string[] {
  const address = env.RABBITMQ_URL ?? '';
  if (!managementUrl) return [`  RabbitMQ      ${withoutPassword(address)}`];
  const { username, password, origin } = new URL(managementUrl);
  return [
    `  RabbitMQ      ${address}   publish to chat_requests`,
    `                ${origin}   its own page; log in as ${username} with ${decodeURIComponent(password)}`,
  ];
}

/** Returns one line to paste that logs in and asks. */
const curl = (api: string, email: string, password: string) =>
  `curl -s ${api}/chat/send -H "Authorization: Bearer $(curl -s ${api}/auth/login -H 'Content-Type: application/json'` +
  ` -d '{"email":"${email}","password":"${password}"}' | sed 's/.*"accessToken":"\\([^"]*\\)".*/\\1/')"` +
  ` -H 'Content-Type: application/json' -H 'Prefer: wait=20' -d '{"message":"What are healthy eating habits?"}'`;
