import { generateKeyPair, SignJWT } from 'jose';
import { createLogger } from '../../shared/logger.ts';
import type { Issuer } from '../../shared/resource-server/issuer.ts';
import { StatusList } from '../../shared/resource-server/status-list.ts';
import { openStatusListReader } from '../../shared/resource-server/status-list-reader.ts';

const LIST_SIZE = 131_072;
const LISTS = 8;
const TOKENS = 1_000_000;
const REVOKED = 10_000;
/** The number of readers. The bytes in use are divided by it, so that memory that is freed meanwhile matters little. */
const READERS = 20;
const LOOKUPS = 5_000_000;

// Reads the status lists of a million access tokens, of which a random one in a hundred is revoked, and writes the cost as
// JSON. It needs `--expose-gc`. The lists come from memory, so that nothing else is counted.
const identifier = 'https://issuer.example';
const aggregation = `${identifier}/oauth/status-lists`;
const uris = Array.from({ length: LISTS }, (_, index) => `${aggregation}/${index + 1}`);
const { privateKey, publicKey } = await generateKeyPair('ES256');
const bodies = await signLists();

const issuer: Issuer = {
  identifier,
  metadata: async () => ({ issuer: identifier, status_list_aggregation_endpoint: aggregation }),
  keys: { find: async () => publicKey, generation: () => 0, load: async () => undefined, apply: async () => undefined },
  acceptsSecretsAt: () => false,
  async fetch(input, init) {
    const uri = String(input);
    const token = bodies.get(uri);
    if (token !== undefined) return new Response(token, { headers: { etag: '"1-1"' } });
    if (new Headers(init?.headers).has('if-none-match')) await new Promise(() => undefined);
    return Response.json(
      { status_lists: uris, entity_tags: Object.fromEntries(uris.map((uri) => [uri, '"1-1"'])) },
      { headers: { etag: '"1-8.8"' } },
    );
  },
};

// the first reader loads and compiles the code before anything is counted
await openReader();
const before = bytesInUse();
const readers = await Promise.all(Array.from({ length: READERS }, openReader));
const bytes = Math.round((bytesInUse() - before) / READERS);
const [reader = await openReader()] = readers;

const indexes = Array.from({ length: 4096 }, () => statusIndexOf(Math.floor(Math.random() * TOKENS)));
countRevoked(LOOKUPS);
const startedAt = performance.now();
const revoked = countRevoked(LOOKUPS);
const nanoseconds = ((performance.now() - startedAt) * 1e6) / LOOKUPS;
process.stdout.write(JSON.stringify({ bytes, nanoseconds, share: revoked / LOOKUPS }));
process.exit();

async function openReader() {
  const logger = createLogger({ name: 'bench', level: 'error' });
  const opened = openStatusListReader({ issuer, logger });
  await opened.ready();
  return opened;
}

function countRevoked(times: number): number {
  let invalid = 0;
  for (let time = 0; time < times; time++) {
    const index = indexes[time & 4095];
    if (index !== undefined && reader.isRevoked(index) === true) invalid += 1;
  }
  return invalid;
}

function statusIndexOf(token: number) {
  return { idx: token % LIST_SIZE, uri: uris[Math.floor(token / LIST_SIZE)] ?? '' };
}

async function signLists(): Promise<Map<string, string>> {
  const lists = new Map(uris.map((uri) => [uri, new StatusList(new Uint8Array(LIST_SIZE / 8))]));
  for (const token of chooseRevoked()) {
    const { idx, uri } = statusIndexOf(token);
    lists.get(uri)?.invalidate(idx, 1);
  }
  const signed = new Map<string, string>();
  for (const [uri, list] of lists) {
    const token = await new SignJWT({ sub: uri, status_list: list.encode() })
      .setProtectedHeader({ alg: 'ES256', typ: 'statuslist+jwt' })
      .setIssuedAt()
      .setExpirationTime('1h')
      .sign(privateKey);
    signed.set(uri, token);
  }
  return signed;
}

function chooseRevoked(): Set<number> {
  const tokens = new Set<number>();
  while (tokens.size < REVOKED) tokens.add(Math.floor(Math.random() * TOKENS));
  return tokens;
}

function bytesInUse(): number {
  if (globalThis.gc === undefined) throw new Error('run this script with --expose-gc');
  for (let time = 0; time < 5; time++) globalThis.gc();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
