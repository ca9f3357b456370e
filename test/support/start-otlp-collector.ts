import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';

/** A span as a collector receives it. */
export type ReceivedSpan = {
  readonly service: string;
  readonly traceId: string;
  readonly spanId: string;
  /** Empty for a span without a parent. */
  readonly parentId: string;
  readonly name: string;
  readonly kind: 'internal' | 'server' | 'client' | 'other';
  readonly attributes: Readonly<Record<string, string | number>>;
};

/** A collector of traces (OTLP over HTTP). `bodies` has everything that it received, as text. */
export type OtlpCollector = AsyncDisposable & {
  readonly url: string;
  readonly spans: readonly ReceivedSpan[];
  readonly headers: readonly Readonly<Record<string, unknown>>[];
  readonly bodies: readonly string[];
};

/** Starts a collector of traces. */
export async function startOtlpCollector(): Promise<OtlpCollector> {
  const [spans, headers, bodies]: [ReceivedSpan[], Record<string, unknown>[], string[]] = [[], [], []];
  const server = createServer(async (request, response) => {
    const sent = await buffer(request);
    const body = request.headers['content-encoding'] === 'gzip' ? gunzipSync(sent) : sent;
    if (request.url !== '/v1/traces') return response.writeHead(404).end();
    headers.push(request.headers);
    bodies.push(body.toString('latin1'));
    spans.push(...parseRequest(body));
    return response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    spans,
    headers,
    bodies,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The fields of a message (Protocol Buffers) by their numbers: bytes of texts and messages, and numbers. */
type Fields = ReadonlyMap<number, readonly (Buffer | number)[]>;

/** Reads the fields that a test looks at: opentelemetry/proto/collector/trace/v1/trace_service.proto. */
function parseRequest(body: Buffer): ReceivedSpan[] {
  return messages(parseFields(body), 1).flatMap((resourceSpans) => {
    const [resource] = messages(resourceSpans, 1);
    const service = String(resource && parseAttributes(resource, 1)['service.name']);
    return messages(resourceSpans, 2)
      .flatMap((scopeSpans) => messages(scopeSpans, 2))
      .map((span) => ({
        service,
        traceId: hex(span, 1),
        spanId: hex(span, 2),
        parentId: hex(span, 4),
        name: text(span, 5),
        kind: (['other', 'internal', 'server', 'client'] as const)[Number(span.get(6)?.[0] ?? 0)] ?? 'other',
        attributes: parseAttributes(span, 9),
      }));
  });
}

function parseAttributes(fields: Fields, number: number): Record<string, string | number> {
  return Object.fromEntries(
    messages(fields, number).map((pair) => {
      const [value] = messages(pair, 2);
      const [number] = value?.get(3) ?? [];
      return [text(pair, 1), typeof number === 'number' ? number : text(value ?? new Map(), 1)];
    }),
  );
}

function messages(fields: Fields, number: number): Fields[] {
  return (fields.get(number) ?? []).flatMap((value) => (Buffer.isBuffer(value) ? [parseFields(value)] : []));
}

function text(fields: Fields, number: number): string {
  return String(fields.get(number)?.[0] ?? '');
}

function hex(fields: Fields, number: number): string {
  const [value] = fields.get(number) ?? [];
  return Buffer.isBuffer(value) ? value.toString('hex') : '';
}

function parseFields(body: Buffer): Fields {
  const fields = new Map<number, (Buffer | number)[]>();
  let at = 0;
  while (at < body.length) {
    const tag = readVarint();
    const number = tag >>> 3;
    fields.set(number, [...(fields.get(number) ?? []), readValue(tag & 7)]);
  }
  return fields;

  function readValue(type: number): Buffer | number {
    if (type === 0) return readVarint();
    const length = type === 1 ? 8 : type === 5 ? 4 : readVarint();
    at += length;
    return body.subarray(at - length, at);
  }

  function readVarint(): number {
    let [value, factor] = [0, 1];
    for (;;) {
      const byte = body[at++] ?? 0;
      value += (byte & 127) * factor;
      factor *= 128;
      if (byte < 128) return value;
    }
  }
}
