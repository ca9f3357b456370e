import { readFileSync } from 'node:fs';
import { expect, test, vi } from 'vitest';
import * as z from 'zod';
import { createIssuer } from '../../shared/resource-server/issuer.ts';
import { StatusList, StatusReference } from '../../shared/resource-server/status-list.ts';
import { openStatusListReader } from '../../shared/resource-server/status-list-reader.ts';

const References = z.array(StatusReference);
const Vectors = z.object({
  at: z.number(),
  issuer: z.string(),
  jwks: z.object({ keys: z.array(z.record(z.string(), z.string())) }),
  decoding: z.array(
    z.object({
      encoded: z.unknown(),
      bytes: z.string(),
      revoked: z.array(z.number()),
      valid: z.array(z.number()),
    }),
  ),
  exchange: z.array(
    z.object({
      request: z.object({ url: z.string(), headers: z.record(z.string(), z.string()) }),
      response: z.object({ status: z.number(), headers: z.object({ etag: z.string() }), body: z.unknown() }),
      /** The statuses once the response is applied. */
      applied: z.object({ revoked: References, valid: References }).optional(),
    }),
  ),
  rejected: References,
});

const vectors = Vectors.parse(JSON.parse(readFileSync('docs/status-list-test-vectors.json', 'utf8')));

test.each(vectors.decoding)(
  'the encoded list $encoded has the bits of the test vector',
  ({ encoded, bytes, revoked, valid }) => {
    const list = StatusList.decode(encoded);
    expect(list.size).toBe((bytes.length / 2) * 8);
    expect([...revoked, ...valid].toSorted((a, b) => a - b)).toEqual([...Array(list.size).keys()]);
    for (const index of revoked) expect(list.isInvalid(index)).toBe(true);
    for (const index of valid) expect(list.isInvalid(index)).toBe(false);
  },
);

test('the reader of api and mcp applies the exchange of the test vectors, and acknowledges it at its end', async () => {
  const { issuer, exchange } = vectors;
  const aggregationUri = `${issuer}/oauth/status-lists`;
  const documents = new Map<string, unknown>([
    [
      `${issuer}/.well-known/oauth-authorization-server`,
      { issuer, jwks_uri: `${issuer}/oauth/jwks`, status_list_aggregation_endpoint: aggregationUri },
    ],
    [`${issuer}/oauth/jwks`, vectors.jwks],
  ]);
  const steps = exchange.map((step) => ({ ...step, ...Promise.withResolvers<void>() }));
  const requests: { url: string; headers: Record<string, string> }[] = [];
  const fetchFromIssuer: typeof fetch = async (input, { headers, signal } = {}) => {
    const url = String(input);
    const document = documents.get(url);
    if (document !== undefined) return Response.json(document);
    const sent = new Headers(headers);
    const names = ['if-none-match', 'prefer'].filter((name) => sent.has(name));
    requests.push({ url, headers: Object.fromEntries(names.map((name) => [name, sent.get(name) ?? ''])) });
    const step = steps[requests.length - 1];
    // after the last step nothing changes any more, so this request waits
    if (step === undefined) return new Promise((_resolve, reject) => signal?.addEventListener('abort', reject));
    await step.promise;
    const { status, headers: sentHeaders, body } = step.response;
    return new Response(typeof body === 'string' ? body : JSON.stringify(body), { status, headers: sentHeaders });
  };
  await using reader = openStatusListReader({
    issuer: createIssuer({ identifier: issuer, fetch: fetchFromIssuer }),
    logger: { warn: (_fields, message) => expect.unreachable(message) },
    now: () => vectors.at * 1000,
  });

  for (const [index, { resolve, applied }] of steps.entries()) {
    resolve();
    // the next request shows that this response is applied
    await vi.waitUntil(() => requests.length > index + 1, { timeout: 10_000, interval: 5 });
    for (const reference of applied?.revoked ?? [])
      expect([reference, reader.isRevoked(reference)]).toEqual([reference, true]);
    for (const reference of applied?.valid ?? [])
      expect([reference, reader.isRevoked(reference)]).toEqual([reference, false]);
  }
  const acknowledgement = { 'if-none-match': exchange.at(-1)?.response.headers.etag, prefer: 'wait=2' };
  expect(requests).toEqual([
    ...exchange.map(({ request }) => request),
    { url: aggregationUri, headers: acknowledgement },
  ]);
  expect(reader.state().sequence).toBe(2);
  for (const reference of vectors.rejected) await expect(async () => reader.isRevoked(reference)).rejects.toThrow();
});
