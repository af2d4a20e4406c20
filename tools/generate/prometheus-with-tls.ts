import { isMap, parseDocument, type YAMLMap } from 'yaml';

const CA_FILE = '/etc/tls/ca.pem';
const HEADER = ' prometheus.yml for docker-compose.tls.yml, where all targets have TLS. npm run generate makes it.';
/** RabbitMQ has another port for metrics with TLS. */
const TLS_PORTS: readonly [plain: string, withTls: string][] = [['rabbitmq:15692', 'rabbitmq:15691']];

/**
 * Returns the configuration of Prometheus in which everything is asked with TLS.
 * @param text the one without TLS, as YAML
 */
export function prometheusWithTls(text: string): string {
  const document = parseDocument(TLS_PORTS.reduce((all, [plain, withTls]) => all.replace(plain, withTls), text));
  document.commentBefore = HEADER;
  const withTls = (node: unknown) => {
    if (!isMap(node)) throw new Error('a job of prometheus.yml is no map');
    node.set('scheme', 'https');
    node.set('tls_config', document.createNode({ ca_file: CA_FILE, ...serverName(node) }, { flow: true }));
  };
  for (const path of [['scrape_configs'], ['alerting', 'alertmanagers']]) {
    const list = document.getIn(path) as { items: unknown[] };
    for (const item of list.items) withTls(item);
  }
  return document.toString({ lineWidth: 0 });
}

/** A target that DNS has found is known by its address only, so its certificate must have the name that was looked up. */
function serverName(job: YAMLMap): { server_name?: string } {
  const { dns_sd_configs: found } = job.toJSON() as { dns_sd_configs?: [{ names: [string] }] };
  return found ? { server_name: found[0].names[0] } : {};
}
