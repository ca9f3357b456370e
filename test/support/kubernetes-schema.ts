import * as z from 'zod';

/**
 * The part of the Kubernetes API that docker/kubernetes uses. An unknown field is an error: a cluster ignores it, or rejects the
 * manifest. https://kubernetes.io/docs/reference/kubernetes-api/
 */

const dnsLabel = z.string().regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, 'a DNS label');
const labels = z.record(
  z.string().regex(/^([a-z0-9.-]+\/)?[A-Za-z0-9]([\w.-]{0,61}[A-Za-z0-9])?$/),
  z.string().regex(/^([A-Za-z0-9]([\w.-]{0,61}[A-Za-z0-9])?)?$/),
);
const metadata = z.strictObject({
  name: dnsLabel,
  labels: labels.optional(),
  annotations: z.record(z.string(), z.string()).optional(),
});
const selector = z.strictObject({
  matchLabels: labels.optional(),
  matchExpressions: z
    .array(z.strictObject({ key: z.string(), operator: z.enum(['In', 'NotIn']), values: z.array(z.string()).min(1) }))
    .optional(),
});
const quantity = z.string().regex(/^\d+(m|Mi|Gi)?$/, 'a quantity');
const resources = z.record(z.enum(['cpu', 'memory']), quantity).or(z.strictObject({ memory: quantity }));
const portNumber = z.int().min(1).max(65_535);

const probe = z.strictObject({
  httpGet: z.strictObject({ path: z.string().startsWith('/'), port: z.string().or(portNumber) }),
  periodSeconds: z.int().min(1),
  timeoutSeconds: z.int().min(1).optional(),
  failureThreshold: z.int().min(1),
});

/** What the standard `restricted` for pods requires of a container, and a file system that cannot be written. */
const containerSecurity = z.strictObject({
  allowPrivilegeEscalation: z.literal(false),
  readOnlyRootFilesystem: z.literal(true),
  capabilities: z.strictObject({ drop: z.tuple([z.literal('ALL')]) }),
});

const container = z.strictObject({
  name: dnsLabel,
  image: z.string(),
  // a value that is not a string is rejected by the API server
  command: z.array(z.string()).min(1),
  ports: z.array(z.strictObject({ name: z.string().max(15), containerPort: portNumber })).optional(),
  envFrom: z.array(z.strictObject({ configMapRef: z.strictObject({ name: dnsLabel }) })).optional(),
  env: z.array(z.strictObject({ name: z.string(), value: z.string() })).optional(),
  startupProbe: probe.optional(),
  readinessProbe: probe.optional(),
  livenessProbe: probe.optional(),
  securityContext: containerSecurity,
  resources: z.strictObject({ requests: resources, limits: resources }),
  volumeMounts: z
    .array(
      z.strictObject({ name: dnsLabel, mountPath: z.string().startsWith('/'), readOnly: z.literal(true).optional() }),
    )
    .optional(),
});
export type Container = z.infer<typeof container>;

const volume = z.union([
  z.strictObject({
    name: dnsLabel,
    secret: z.strictObject({
      secretName: dnsLabel,
      defaultMode: z.int().max(0o777),
      items: z.array(z.strictObject({ key: z.string(), path: z.string() })).optional(),
    }),
  }),
  z.strictObject({
    name: dnsLabel,
    emptyDir: z.strictObject({ medium: z.literal('Memory'), sizeLimit: quantity }),
  }),
]);

const podSpec = z.strictObject({
  restartPolicy: z.enum(['Never', 'OnFailure']).optional(),
  automountServiceAccountToken: z.literal(false),
  enableServiceLinks: z.literal(false),
  terminationGracePeriodSeconds: z.int().min(1).optional(),
  securityContext: z.strictObject({
    runAsNonRoot: z.literal(true),
    runAsUser: z.int().min(1),
    runAsGroup: z.int().min(1),
    fsGroup: z.int().min(1),
    seccompProfile: z.strictObject({ type: z.literal('RuntimeDefault') }),
  }),
  affinity: z
    .strictObject({
      podAntiAffinity: z.strictObject({
        preferredDuringSchedulingIgnoredDuringExecution: z.array(
          z.strictObject({
            weight: z.int().min(1).max(100),
            podAffinityTerm: z.strictObject({ topologyKey: z.string(), labelSelector: selector }),
          }),
        ),
      }),
    })
    .optional(),
  topologySpreadConstraints: z
    .array(
      z.strictObject({
        maxSkew: z.int().min(1),
        topologyKey: z.string(),
        whenUnsatisfiable: z.enum(['DoNotSchedule', 'ScheduleAnyway']),
        labelSelector: selector,
      }),
    )
    .optional(),
  initContainers: z.array(container).optional(),
  containers: z.array(container).min(1),
  volumes: z.array(volume).optional(),
});
export type PodSpec = z.infer<typeof podSpec>;

const podTemplate = z.strictObject({ metadata: z.strictObject({ labels }), spec: podSpec });

export const Deployment = z.strictObject({
  apiVersion: z.literal('apps/v1'),
  kind: z.literal('Deployment'),
  metadata,
  spec: z.strictObject({
    replicas: z.int().min(0),
    selector,
    strategy: z.strictObject({
      type: z.literal('RollingUpdate'),
      rollingUpdate: z.strictObject({ maxSurge: z.int().min(0), maxUnavailable: z.int().min(0) }),
    }),
    template: podTemplate,
  }),
});
export type Deployment = z.infer<typeof Deployment>;

const Job = z.strictObject({
  apiVersion: z.literal('batch/v1'),
  kind: z.literal('Job'),
  metadata,
  spec: z.strictObject({ backoffLimit: z.int(), activeDeadlineSeconds: z.int(), template: podTemplate }),
});

const Service = z.strictObject({
  apiVersion: z.literal('v1'),
  kind: z.literal('Service'),
  metadata,
  spec: z.strictObject({
    selector: labels.optional(),
    ports: z.array(
      z.strictObject({ name: z.string(), port: portNumber, targetPort: z.string().or(portNumber).optional() }),
    ),
  }),
});

const PodDisruptionBudget = z.strictObject({
  apiVersion: z.literal('policy/v1'),
  kind: z.literal('PodDisruptionBudget'),
  metadata,
  spec: z.strictObject({ maxUnavailable: z.int().min(1), selector }),
});

const Ingress = z.strictObject({
  apiVersion: z.literal('networking.k8s.io/v1'),
  kind: z.literal('Ingress'),
  metadata,
  spec: z.strictObject({
    ingressClassName: z.string(),
    tls: z.array(z.strictObject({ secretName: dnsLabel, hosts: z.array(z.string()) })),
    rules: z.array(
      z.strictObject({
        host: z.string(),
        http: z.strictObject({
          paths: z.array(
            z.strictObject({
              path: z.string().startsWith('/'),
              pathType: z.enum(['Prefix', 'Exact']),
              backend: z.strictObject({
                service: z.strictObject({ name: dnsLabel, port: z.strictObject({ name: z.string() }) }),
              }),
            }),
          ),
        }),
      }),
    ),
  }),
});

const peer = z.union([
  z.strictObject({ podSelector: selector }),
  z.strictObject({ namespaceSelector: selector }),
  z.strictObject({ ipBlock: z.strictObject({ cidr: z.cidrv4(), except: z.array(z.cidrv4()).optional() }) }),
]);
const policyPorts = z.array(z.strictObject({ protocol: z.enum(['TCP', 'UDP']), port: portNumber })).min(1);

const NetworkPolicy = z.strictObject({
  apiVersion: z.literal('networking.k8s.io/v1'),
  kind: z.literal('NetworkPolicy'),
  metadata,
  spec: z.strictObject({
    podSelector: selector,
    policyTypes: z.array(z.enum(['Ingress', 'Egress'])).min(1),
    ingress: z.array(z.strictObject({ from: z.array(peer).min(1), ports: policyPorts })).optional(),
    egress: z.array(z.strictObject({ to: z.array(peer).min(1), ports: policyPorts })).optional(),
  }),
});

const Namespace = z.strictObject({ apiVersion: z.literal('v1'), kind: z.literal('Namespace'), metadata });

const ConfigMap = z.strictObject({
  apiVersion: z.literal('v1'),
  kind: z.literal('ConfigMap'),
  metadata,
  data: z.record(z.string(), z.string()),
});

export const Secret = z.strictObject({
  apiVersion: z.literal('v1'),
  kind: z.literal('Secret'),
  metadata: z.strictObject({ name: dnsLabel, namespace: dnsLabel }),
  type: z.literal('Opaque'),
  stringData: z.record(z.string(), z.string()),
});

/** A manifest in docker/kubernetes. */
export const Manifest = z.discriminatedUnion('kind', [
  Namespace,
  ConfigMap,
  Deployment,
  Job,
  Service,
  PodDisruptionBudget,
  Ingress,
  NetworkPolicy,
]);
export type Manifest = z.infer<typeof Manifest>;

export const Kustomization = z.strictObject({
  apiVersion: z.literal('kustomize.config.k8s.io/v1beta1'),
  kind: z.literal('Kustomization'),
  namespace: dnsLabel,
  resources: z.array(z.string()),
  images: z.array(z.strictObject({ name: z.string(), newName: z.string(), newTag: z.string() })),
});
