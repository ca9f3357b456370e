import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, test, vi } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { readApiConfig } from '../../api/config.ts';
import { readAuthConfig } from '../../auth/config.ts';
import { readMcpConfig } from '../../mcp/config.ts';
import { makeTemporaryDirectory } from '../../shared/testing/temporary-directory.ts';
import {
  type Container,
  type Deployment,
  Kustomization,
  Manifest,
  type PodSpec,
  Secret,
} from '../support/kubernetes-schema.ts';

const { names } = vi.hoisted(() => ({ names: new Set<string>() }));

// the names of the variables are known to the schemas alone
vi.mock(import('../../shared/configuration/environment.ts'), async (importOriginal) => {
  const original = await importOriginal();
  return {
    ...original,
    readEnvironment: (schema, environment) => {
      for (const name of Object.keys(schema.shape)) names.add(name);
      return original.readEnvironment(schema, environment);
    },
  };
});

beforeEach(() => names.clear());

const DIRECTORY = 'docker/kubernetes';
const SERVICES = ['auth', 'api', 'mcp'] as const;
const READERS = { auth: readAuthConfig, api: readApiConfig, mcp: readMcpConfig };

const files = readdirSync(DIRECTORY).filter((file) => file.endsWith('.yaml') && file !== 'kustomization.yaml');
const parsed = files.flatMap((file) => readYaml(join(DIRECTORY, file)).map((content) => ({ file, content })));
const manifests = parsed.flatMap(({ content }) => Manifest.safeParse(content).data ?? []);
const deployments = new Map(ofKind('Deployment').map((deployment) => [deployment.metadata.name, deployment]));

/** Reads the documents of a file. A key that occurs twice is an error. */
function readYaml(file: string): unknown[] {
  return parseAllDocuments(readFileSync(file, 'utf8')).map((document) => {
    expect([file, document.errors, document.warnings]).toEqual([file, [], []]);
    return document.toJS();
  });
}

function ofKind<Kind extends Manifest['kind']>(kind: Kind): Extract<Manifest, { kind: Kind }>[] {
  return manifests.filter((manifest): manifest is Extract<Manifest, { kind: Kind }> => manifest.kind === kind);
}

function getDeployment(name: string): Deployment {
  const found = deployments.get(name);
  if (found === undefined) throw new Error(`there is no Deployment ${name}`);
  return found;
}

/** The container of a service. */
function getContainer(name: string): Container {
  const [container] = getDeployment(name).spec.template.spec.containers;
  if (container === undefined) throw new Error(`the Deployment ${name} has no container`);
  return container;
}

/** Every kind of pod, by the value of its label `component`. */
function listPods(): Map<string, { labels: Record<string, string>; spec: PodSpec }> {
  const templates = [...ofKind('Deployment'), ...ofKind('Job')].map(({ metadata, spec }) => [
    metadata.name,
    { labels: spec.template.metadata.labels, spec: spec.template.spec },
  ]);
  return new Map(templates as [string, { labels: Record<string, string>; spec: PodSpec }][]);
}

const matches = (wanted: Record<string, string> = {}, labels: Record<string, string>) =>
  Object.entries(wanted).every(([name, value]) => labels[name] === value);

test.each(parsed)('a manifest in $file is valid: $content.kind', ({ content }) => {
  Manifest.parse(content);
});

test('an unknown field, a missing one and a wrong type are not valid', () => {
  const text = JSON.stringify(getDeployment('api'));
  for (const [from, to] of [
    ['"readinessProbe"', '"readynessProbe"'],
    ['"runAsNonRoot":true', '"runAsNonRoot":false'],
    ['"replicas":2', '"replicas":"2"'],
    ['"drop":["ALL"]', '"drop":[]'],
  ] as const) {
    expect(text).toContain(from);
    expect(Manifest.safeParse(JSON.parse(text.replace(from, to))).success, to).toBe(false);
  }
});

test('kustomization.yaml names every file, and sets the image of every container', () => {
  const [kustomization] = readYaml(join(DIRECTORY, 'kustomization.yaml')).map((content) =>
    Kustomization.parse(content),
  );
  expect(kustomization?.resources.toSorted()).toEqual(files.toSorted());
  expect(ofKind('Namespace').map(({ metadata }) => metadata.name)).toEqual([kustomization?.namespace]);
  const images = kustomization?.images.map(({ name }) => name);
  for (const { spec } of listPods().values())
    for (const { image } of [...(spec.initContainers ?? []), ...spec.containers]) expect(images).toContain(image);
});

test.each(SERVICES)('%s: selectors, ports and probes lead to its pods', (service) => {
  const { spec } = getDeployment(service);
  const { labels } = spec.template.metadata;
  expect(spec.replicas).toBeGreaterThanOrEqual(2);
  expect(spec.strategy.rollingUpdate).toEqual({ maxSurge: 1, maxUnavailable: 0 });
  const pod = spec.template.spec;
  const selectors = [
    spec.selector,
    ...(pod.topologySpreadConstraints ?? []).map(({ labelSelector }) => labelSelector),
    ...(pod.affinity?.podAntiAffinity.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(
      ({ podAffinityTerm }) => podAffinityTerm.labelSelector,
    ),
    ...ofKind('PodDisruptionBudget').flatMap(({ metadata, spec }) =>
      metadata.name === service ? [spec.selector] : [],
    ),
  ];
  expect(selectors).toHaveLength(4);
  for (const { matchLabels } of selectors) expect(matchLabels).toEqual(labels);

  const container = getContainer(service);
  const config = READERS[service]({ OAUTH_CLIENT_ID: 'a', OAUTH_CLIENT_SECRET: 'b' }) as Record<string, unknown>;
  expect(container.ports).toEqual([{ name: 'http', containerPort: config[`${service.toUpperCase()}_PORT`] }]);
  const found = ofKind('Service').find(({ metadata }) => metadata.name === service);
  expect(matches(found?.spec.selector, labels)).toBe(true);
  expect(found?.spec.ports).toEqual([{ name: 'http', port: container.ports?.[0]?.containerPort, targetPort: 'http' }]);
  const path = (probe: Container['livenessProbe']) => probe?.httpGet;
  expect(path(container.readinessProbe)).toEqual({ path: '/health/ready', port: 'http' });
  expect(path(container.livenessProbe)).toEqual({ path: '/health/live', port: 'http' });
  expect(path(container.startupProbe)).toEqual({ path: '/health/live', port: 'http' });
  expect(readFileSync(container.command.at(-1) ?? '', 'utf8')).toContain('runUntilSignalled');
});

test.each(SERVICES)('%s reads every variable that it gets, and every file of them is mounted', (service) => {
  using directory = makeTemporaryDirectory();
  const secrets = makeSecrets();
  const { spec } = getDeployment(service).spec.template;
  const container = getContainer(service);
  const root = mountSecrets(directory.path, { container, spec, secrets });
  const [variables] = ofKind('ConfigMap').map(({ data }) => data);
  const given = Object.fromEntries((container.env ?? []).map(({ name, value }) => [name, value]));
  expect(Object.keys(given).filter((name) => name in (variables ?? {}))).toEqual([]);
  const environment = Object.fromEntries(
    Object.entries({ ...variables, ...given }).map(([name, value]) => [
      name,
      name.endsWith('_FILE') ? join(root, value) : value,
    ]),
  );
  READERS[service](environment);
  // AUTH_URL is for the command line there, and a ConfigMap has the variables of all three
  const known = new Set([...names, ...(service === 'auth' ? ['AUTH_URL'] : [])]);
  expect(Object.keys(given).filter((name) => !known.has(name.replace(/_FILE$/, '')))).toEqual([]);
  names.clear();
  for (const [other, read] of Object.entries(READERS))
    if (other !== 'mcp') read({});
    else read({ OAUTH_CLIENT_ID: 'a', OAUTH_CLIENT_SECRET: 'b' });
  expect(Object.keys(variables ?? {}).filter((name) => !names.has(name))).toEqual([]);
});

test('the job gets the URLs of both databases, and nothing else of the Secrets', () => {
  using directory = makeTemporaryDirectory();
  const [job] = ofKind('Job');
  const { spec } = job?.spec.template ?? {};
  const [container] = spec?.containers ?? [];
  if (spec === undefined || container === undefined) throw new Error('there is no Job with a container');
  const root = mountSecrets(directory.path, { container, spec, secrets: makeSecrets() });
  for (const { name, value } of container.env ?? []) {
    expect(['AUTH_DATABASE_URL_FILE', 'API_DATABASE_URL_FILE']).toContain(name);
    expect(readFileSync(join(root, value), 'utf8')).toMatch(/^postgresql:/);
  }
  expect(readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())).toHaveLength(2);
});

test('the secrets are other ones each time, those of a client are the same at both sides, and none is printed without URLs', () => {
  const [first, second] = [makeSecrets(), makeSecrets()];
  const values = (secrets: Map<string, Record<string, string>>) => [...secrets.values()].flatMap(Object.values);
  const repeated = values(first).filter((value) => values(second).includes(value));
  expect(repeated.every((value) => value.startsWith('postgresql:'))).toBe(true);
  expect(first.get('api')?.['client-secret']).toBe(first.get('auth')?.['api-client-secret']);
  expect(first.get('mcp')?.['client-secret']).toBe(first.get('auth')?.['mcp-client-secret']);
  expect(() => execFileSync(process.execPath, [`${DIRECTORY}/make-secrets.ts`], { env: {}, stdio: 'pipe' })).toThrow(
    /AUTH_DATABASE_URL: expected/,
  );
});

test('a pod has enough time for the delay of its shutdown and for its end', () => {
  const delay = Number(ofKind('ConfigMap')[0]?.data.SHUTDOWN_DELAY);
  // a readiness is a second old at most, and fails after one period of its probe
  expect(delay).toBeGreaterThan(5);
  for (const { spec } of deployments.values())
    expect(spec.template.spec.terminationGracePeriodSeconds).toBeGreaterThanOrEqual(delay + 15);
});

test('the Ingress leads to services that exist, at the hosts of the identifiers, with a certificate, and not to metrics', () => {
  const [ingress] = ofKind('Ingress');
  const [variables] = ofKind('ConfigMap').map(({ data }) => data);
  const services = new Map(ofKind('Service').map(({ metadata, spec }) => [metadata.name, spec]));
  const hosts = { auth: 'AUTH_ISSUER', api: 'API_RESOURCE', mcp: 'MCP_RESOURCE' };
  for (const [service, name] of Object.entries(hosts)) {
    const { hostname } = new URL(variables?.[name] ?? '');
    expect(ingress?.spec.tls.flatMap(({ hosts }) => hosts)).toContain(hostname);
    const rule = ingress?.spec.rules.find(({ host }) => host === hostname);
    const backends = rule?.http.paths.map(({ path, backend }) => [path, backend.service.name]);
    expect(backends).toEqual([
      ['/', service],
      ['/health', 'nothing'],
      ['/metrics', 'nothing'],
    ]);
    for (const { backend } of rule?.http.paths ?? [])
      expect(services.get(backend.service.name)?.ports.map((port) => port.name)).toContain(backend.service.port.name);
  }
  expect(services.get('nothing')?.selector).toBeUndefined();
});

test('the network lets through what the services need, and nothing else', () => {
  const pods = listPods();
  const policies = ofKind('NetworkPolicy').map(({ spec }) => spec);
  const selects = (selector: (typeof policies)[number]['podSelector'], labels: Record<string, string>) =>
    matches(selector.matchLabels, labels) &&
    (selector.matchExpressions ?? []).every(({ key, values }) => values.includes(labels[key] ?? ''));
  expect(
    policies.some(
      ({ podSelector, policyTypes, ingress, egress }) =>
        Object.keys(podSelector).length === 0 &&
        policyTypes.length === 2 &&
        ingress === undefined &&
        egress === undefined,
    ),
  ).toBe(true);

  const allowed: string[] = [];
  for (const [from, source] of pods)
    for (const [to, target] of pods) {
      const [port] = target.spec.containers.flatMap(({ ports }) => ports ?? []);
      const leaves = policies
        .filter(({ podSelector }) => selects(podSelector, source.labels))
        .flatMap(({ egress }) => egress ?? [])
        .some(
          ({ to, ports }) =>
            to.some((peer) => 'podSelector' in peer && selects(peer.podSelector, target.labels)) &&
            ports.some((allowed) => allowed.port === port?.containerPort),
        );
      const enters = policies
        .filter(({ podSelector }) => selects(podSelector, target.labels))
        .flatMap(({ ingress }) => ingress ?? [])
        .some(
          ({ from, ports }) =>
            from.some((peer) => 'podSelector' in peer && selects(peer.podSelector, source.labels)) &&
            ports.some((allowed) => allowed.port === port?.containerPort),
        );
      expect(leaves, `${from} to ${to}`).toBe(enters);
      if (leaves) allowed.push(`${from} to ${to}`);
    }
  expect(allowed.sort()).toEqual(['api to auth', 'mcp to api', 'mcp to auth']);

  const reachesDatabase = [...pods].filter(([, { labels }]) =>
    policies.some(
      ({ podSelector, egress }) =>
        selects(podSelector, labels) && egress?.some(({ ports }) => ports.some(({ port }) => port === 5432)),
    ),
  );
  expect(reachesDatabase.map(([name]) => name).sort()).toEqual(['api', 'auth', 'migrate']);
});

/** Runs make-secrets.ts, and returns the content of each Secret. */
function makeSecrets(): Map<string, Record<string, string>> {
  const output = execFileSync(process.execPath, [`${DIRECTORY}/make-secrets.ts`], {
    env: { AUTH_DATABASE_URL: 'postgresql://auth@db/auth', API_DATABASE_URL: 'postgresql://api@db/api' },
    encoding: 'utf8',
  });
  const secrets = parseAllDocuments(output).map((document) => Secret.parse(document.toJS()));
  return new Map(secrets.map(({ metadata, stringData }) => [metadata.name, stringData]));
}

/** Writes the files that a container gets from Secrets. @returns the folder that stands for `/`. */
function mountSecrets(
  directory: string,
  { container, spec, secrets }: { container: Container; spec: PodSpec; secrets: Map<string, Record<string, string>> },
): string {
  for (const { name, mountPath } of container.volumeMounts ?? []) {
    const volume = spec.volumes?.find((volume) => volume.name === name);
    expect(volume, name).toBeDefined();
    if (volume === undefined || !('secret' in volume)) continue;
    const content = secrets.get(volume.secret.secretName) ?? {};
    const items = volume.secret.items ?? Object.keys(content).map((key) => ({ key, path: key }));
    mkdirSync(join(directory, mountPath), { recursive: true });
    for (const { key, path } of items) writeFileSync(join(directory, mountPath, path), content[key] ?? '');
  }
  return directory;
}
