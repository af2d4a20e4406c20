import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';

export const CHART = join(import.meta.dirname, '../../deploy/helm/healify-chat');
/** Values that switch everything on. */
export const FULL_VALUES = join(CHART, 'ci/full-values.yaml');

/** An object of Kubernetes, as far as every kind has the same fields. */
export interface KubernetesObject {
  apiVersion: string;
  kind: string;
  metadata: { name: string; labels?: Record<string, string> };
  // biome-ignore lint/suspicious/noExplicitAny: each kind has other fields, and the schemas of Kubernetes check them
  [field: string]: any;
}

/** The chart as it is to be rendered. */
export interface Rendering {
  /** Files with values; later ones win. */
  valuesFiles?: readonly string[];
  /** Values in YAML, which win over those of the files. */
  values?: string;
  /** The version of Kubernetes to render for, such as 1.30.0. */
  kubernetes?: string;
}

/**
 * Renders the chart as the release `chat` in the namespace `assistants`, as `helm install` would.
 * @throws Error with helm's words if it refuses the values
 */
export function renderChart(
  helm: string,
  { valuesFiles = [], values = '', kubernetes }: Rendering,
): KubernetesObject[] {
  const files = valuesFiles.flatMap((file) => ['--values', file]);
  const version = kubernetes ? ['--kube-version', kubernetes] : [];
  const args = ['template', 'chat', CHART, '--namespace', 'assistants', ...files, '--values', '-', ...version];
  const { status, stdout, stderr } = spawnSync(helm, args, {
    input: values,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  if (status !== 0) throw new Error(stderr);
  return objectsIn(stdout);
}

/** The objects of a text with one or more YAML documents. */
export function objectsIn(yaml: string): KubernetesObject[] {
  return parseAllDocuments(yaml)
    .map((document) => {
      if (document.errors.length > 0) throw document.errors[0];
      return document.toJS() as KubernetesObject | null;
    })
    .filter((object) => object !== null);
}
