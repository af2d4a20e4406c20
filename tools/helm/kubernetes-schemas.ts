import { spawnSync } from 'node:child_process';
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { parse } from 'yaml';
import type { KubernetesObject } from './render-chart.ts';

/** The oldest version of Kubernetes that the chart promises to work with, and the newest that the package below knows. */
export const KUBERNETES_VERSIONS = ['1.30.0', '1.37.0'] as const;

/** A package of PyPI that holds the schemas of Kubernetes. It is only unpacked. */
const PACKAGE = 'kubernetes-validate==1.37.0';
/** Go modules that hold the definitions of custom resources. They are only unpacked. */
const MODULES = [
  { module: 'github.com/kedacore/keda/v2@v2.18.0', files: 'config/crd/bases/keda.sh_scaledobjects.yaml' },
  {
    module: 'github.com/prometheus-operator/prometheus-operator@v0.85.0',
    files: 'example/prometheus-operator-crd/monitoring.coreos.com_{servicemonitors,prometheusrules}.yaml',
  },
];
const TIMEOUT_MS = 300_000;

const dataDir = join(import.meta.dirname, '../../.data');
const schemasDir = join(dataDir, 'kubernetes-schemas');

const folderOf = (version: string) => join(schemasDir, `v${version}-local-strict`);

/** Says what is wrong with an object: a line for each fault, or undefined if there is no schema for its kind. */
export type Validate = (object: KubernetesObject) => string[] | undefined;

/**
 * Loads the schemas of Kubernetes, which allow no field that Kubernetes does not know. Where they are missing in .data, they
 * are downloaded first.
 * @param version one of KUBERNETES_VERSIONS
 * @returns undefined if they are missing and cannot be downloaded here
 */
export function loadKubernetesSchemas(version: string): Validate | undefined {
  const folder = folderOf(version);
  if (!existsSync(folder)) downloadSchemas();
  if (!existsSync(folder)) return undefined;
  const ajv = newAjv();
  ajv.addSchema(readJson(join(folder, '_definitions.json')));
  return validateWith((apiVersion, kind) => {
    const file = join(
      folder,
      `${[kind, ...apiVersion.replace('.k8s.io', '').split('/')].join('-').toLowerCase()}.json`,
    );
    return existsSync(file) ? ajv.compile(readJson(file)) : undefined;
  });
}

/**
 * Loads the schemas of ScaledObject, ServiceMonitor and PrometheusRule from the modules that define them.
 * @returns undefined if the modules cannot be downloaded here
 */
export function loadCustomResourceSchemas(): Validate | undefined {
  const schemas = new Map<string, object>();
  for (const { module, files } of MODULES) {
    const dir = downloadModule(module);
    if (!dir) return undefined;
    for (const file of globSync(files, { cwd: dir })) {
      const { spec } = parse(readFileSync(join(dir, file), 'utf8')) as CustomResourceDefinition;
      for (const { name, schema } of spec.versions)
        schemas.set(`${spec.group}/${name} ${spec.names.kind}`, withoutOtherFields(schema.openAPIV3Schema, true));
    }
  }
  const ajv = newAjv();
  return validateWith((apiVersion, kind) => {
    const schema = schemas.get(`${apiVersion} ${kind}`);
    return schema && ajv.compile(schema);
  });
}

interface CustomResourceDefinition {
  spec: {
    group: string;
    names: { kind: string };
    versions: { name: string; schema: { openAPIV3Schema: Schema } }[];
  };
}

interface Schema {
  properties?: Record<string, Schema>;
  items?: Schema;
  additionalProperties?: Schema | boolean;
  'x-kubernetes-preserve-unknown-fields'?: boolean;
}

/** The schema without leave for fields that it does not name. Kubernetes would drop them without a word. */
function withoutOtherFields(schema: Schema, isRoot = false): Schema {
  const { properties, items, additionalProperties } = schema;
  if (items) return { ...schema, items: withoutOtherFields(items) };
  if (typeof additionalProperties === 'object')
    return { ...schema, additionalProperties: withoutOtherFields(additionalProperties) };
  if (!properties || schema['x-kubernetes-preserve-unknown-fields']) return schema;
  const closed = Object.entries(properties).map(([name, property]) => [
    name,
    // The definition says nothing of what is in it.
    isRoot && name === 'metadata' ? property : withoutOtherFields(property),
  ]);
  return { ...schema, properties: Object.fromEntries(closed), additionalProperties: false };
}

/** The definitions are written for Go, where `(?i)` in a pattern stands for the flag i. */
const regExp = Object.assign(
  (pattern: string, flags: string) =>
    new RegExp(pattern.replace('(?i)', ''), pattern.includes('(?i)') ? `${flags}i` : flags),
  // For compiled code that is written into a file, which we do not do.
  { code: '' },
);
const newAjv = () => new Ajv2020({ strict: false, validateFormats: false, allErrors: true, code: { regExp } });
const readJson = (file: string) => JSON.parse(readFileSync(file, 'utf8'));

function validateWith(compile: (apiVersion: string, kind: string) => ValidateFunction | undefined): Validate {
  const compiled = new Map<string, ValidateFunction | undefined>();
  return (object) => {
    const { apiVersion, kind } = object;
    const key = `${apiVersion} ${kind}`;
    if (!compiled.has(key)) compiled.set(key, compile(apiVersion, kind));
    const check = compiled.get(key);
    if (!check) return undefined;
    check(object);
    return (check.errors ?? []).map(
      ({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`,
    );
  };
}

function downloadSchemas(): void {
  mkdirSync(schemasDir, { recursive: true });
  const dir = mkdtempSync(join(dataDir, 'kubernetes-schemas-download-'));
  const run = (command: string, ...args: string[]) =>
    spawnSync(command, args, { cwd: dir, encoding: 'utf8', timeout: TIMEOUT_MS });
  try {
    run('pip', 'download', '--quiet', '--no-deps', '--only-binary', ':all:', PACKAGE);
    const [wheel] = globSync('*.whl', { cwd: dir });
    if (!wheel) return;
    const wanted = KUBERNETES_VERSIONS.map((version) => `*/v${version}-local-strict/*`);
    run('unzip', '-q', wheel, ...wanted);
    const [unpacked] = globSync('*/kubernetes-json-schema', { cwd: dir });
    for (const version of unpacked ? KUBERNETES_VERSIONS : []) {
      const folder = folderOf(version);
      if (!existsSync(folder)) renameSync(join(dir, unpacked!, basename(folder)), folder);
    }
  } finally {
    rmSync(dir, { recursive: true });
  }
}

/** Go keeps what it has downloaded. Returns the module's folder. */
function downloadModule(module: string): string | undefined {
  const { status, stdout } = spawnSync('go', ['mod', 'download', '-json', module], {
    encoding: 'utf8',
    timeout: TIMEOUT_MS,
  });
  return status === 0 ? (JSON.parse(stdout) as { Dir: string }).Dir : undefined;
}
