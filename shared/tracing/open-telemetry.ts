import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { type Context, type Tracer, trace } from '@opentelemetry/api';
import { ExportResultCode, W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  AlwaysOffSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  type SpanExporter,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import type { Logger } from 'pino';
import { createTracedFetch } from './trace-fetch.ts';
import { tracePool } from './trace-pool.ts';
import { traceRequests } from './trace-requests.ts';
import type { Tracing } from './tracing.ts';

/** What makes spans. `storage` has the context of the request that is being handled. */
export type SpanMaker = {
  readonly tracer: Tracer;
  readonly storage: AsyncLocalStorage<Context>;
  readonly propagator: W3CTraceContextPropagator;
};

/** How long the collector may take for one batch of spans, with the attempts that failed. */
const EXPORT_TIMEOUT_MS = 3_000;

/** How long the last spans may take to be sent at the end of the process. */
const LAST_EXPORT_TIMEOUT_MS = 2_000;

/**
 * Opens the tracing of one service by OpenTelemetry, without its global state: with `npm start` three services are in one process,
 * and each has a name of its own in the traces.
 */
export function openOpenTelemetry({
  endpoint,
  headers,
  ratio,
  service,
}: {
  endpoint: string;
  headers: Readonly<Record<string, string>>;
  /** The part of the traces that are recorded. */
  ratio: number;
  service: string;
}): Tracing {
  const reporter = createReporter();
  const exporter = new OTLPTraceExporter({
    url: `${endpoint}/v1/traces`,
    headers: { ...headers },
    timeoutMillis: EXPORT_TIMEOUT_MS,
  });
  // decided by the id of the trace, so that all services record the same traces
  const sampler = new TraceIdRatioBasedSampler(ratio);
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ 'service.name': service, 'service.instance.id': randomUUID() }),
    sampler: new ParentBasedSampler({
      root: sampler,
      // a client can ask not to be traced, but cannot make the services record more than `ratio`
      remoteParentSampled: sampler,
      remoteParentNotSampled: new AlwaysOffSampler(),
    }),
    spanProcessors: [new BatchSpanProcessor({ exporter: reporter.watch(exporter) })],
  });
  const spans: SpanMaker = {
    tracer: provider.getTracer('yata'),
    storage: new AsyncLocalStorage<Context>(),
    propagator: new W3CTraceContextPropagator(),
  };
  return {
    traceRequests: (findRoute) => traceRequests(spans, findRoute),
    fetch: createTracedFetch(spans),
    tracePool: (pool) => tracePool(spans, pool),
    captureContext: () => AsyncLocalStorage.snapshot(),
    logFields() {
      const active = spans.storage.getStore();
      const current = active && trace.getSpanContext(active);
      return current === undefined ? {} : { trace_id: current.traceId, span_id: current.spanId };
    },
    reportTo: reporter.reportTo,
    async [Symbol.asyncDispose]() {
      // a collector that does not answer must not keep the process from ending; the reporter logs why an export failed
      const ended = provider.shutdown().catch(() => undefined);
      await Promise.race([ended, delay(LAST_EXPORT_TIMEOUT_MS, undefined, { ref: false })]);
    },
  };
}

/** Creates the log of exports that fail. The exporter itself is silent. */
function createReporter() {
  let logger: Logger | undefined;
  let isFailing = false;
  return {
    reportTo(given: Logger) {
      logger = given;
    },
    watch: (exporter: SpanExporter): SpanExporter => ({
      export(spans, done) {
        exporter.export(spans, (result) => {
          const failed = result.code !== ExportResultCode.SUCCESS;
          if (failed && !isFailing && logger !== undefined)
            logger.warn({ event: 'traces.export_failed', err: result.error }, 'cannot send traces, dropping them');
          isFailing = failed;
          done(result);
        });
      },
      shutdown: () => exporter.shutdown(),
      forceFlush: async () => exporter.forceFlush?.(),
    }),
  };
}
