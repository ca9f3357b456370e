import type { Middleware } from 'koa';
import type { Logger } from 'pino';
import type { ObservePool } from '../database/observe-pools.ts';
import type { FindRoute } from '../http/find-route.ts';

/** The variables that say whether and where traces are sent. */
export type TracingConfig = {
  readonly OTEL_EXPORTER_OTLP_ENDPOINT?: string | undefined;
  readonly OTEL_EXPORTER_OTLP_HEADERS?: Readonly<Record<string, string>> | undefined;
  readonly OTEL_TRACES_SAMPLER_ARG: number;
};

/** Runs work in the context in which this function was made. */
export type InContext = <Result>(work: () => Result) => Result;

/** What one service traces. Disposing it sends the spans that have ended. */
export type Tracing = AsyncDisposable & {
  /** Creates the middleware that makes a span of each request; undefined when nothing is traced. */
  readonly traceRequests: ((findRoute: FindRoute) => Middleware) | undefined;
  /** `fetch` that makes a span of each request that it sends for a traced request, and passes the trace on. */
  readonly fetch: typeof fetch;
  /** Makes a span of each statement on a connection of this pool; undefined when nothing is traced. */
  readonly tracePool: ObservePool | undefined;
  /** Remembers the current request, for work that is done for it later and together with that of others. */
  readonly captureContext: () => InContext;
  /** The members of each log line: the ids of the trace and the span. */
  readonly logFields: (() => object) | undefined;
  /** Logs when spans cannot be sent, once until it works again. */
  readonly reportTo: (logger: Logger) => void;
};

/**
 * Opens the tracing of a service. Without `OTEL_EXPORTER_OTLP_ENDPOINT` nothing is traced, and OpenTelemetry is not even loaded.
 * @param service the name of the service in the traces.
 */
export async function openTracing(config: TracingConfig, service: string): Promise<Tracing> {
  const { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint } = config;
  if (endpoint === undefined) return NOT_TRACED;
  const { openOpenTelemetry } = await import('./open-telemetry.ts');
  return openOpenTelemetry({
    endpoint,
    service,
    headers: config.OTEL_EXPORTER_OTLP_HEADERS ?? {},
    ratio: config.OTEL_TRACES_SAMPLER_ARG,
  });
}

const runAtOnce: InContext = (work) => work();

const NOT_TRACED: Tracing = {
  traceRequests: undefined,
  fetch,
  tracePool: undefined,
  captureContext: () => runAtOnce,
  logFields: undefined,
  reportTo: () => undefined,
  async [Symbol.asyncDispose]() {},
};
