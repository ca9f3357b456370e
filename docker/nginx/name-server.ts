import { createSocket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { once } from 'node:events';

/** The instances of one service: the name under which all of them are found, and their port. */
export type Service = { readonly name: string; readonly port: number };

/** A server that answers DNS queries on loopback. Disposing it stops it. */
export type NameServer = AsyncDisposable & { readonly port: number };

/** How often each instance is asked whether it is ready, and how long it may take to answer. */
const INTERVAL_MS = 500;
const TIMEOUT_MS = 2_000;

const TYPE_A = 1;
const CLASS_IN = 1;
const REFUSED = 5;
const HEADER_BYTES = 12;

/** Beyond that, a UDP response would be larger than 512 bytes, which every resolver accepts. */
const MAX_ADDRESSES = 24;

/**
 * Opens a name server that knows `services` and answers each name with the addresses of its instances that are ready. nginx asks
 * it before a request, so an instance that starts or stops gets requests only while its `/health/ready` is 200, and nginx
 * needs no new configuration. When no instance is ready, the answer has all of them: their own response says why.
 * @param resolve returns the addresses of all instances of a name.
 * @param log is called with each change.
 */
export async function openNameServer({
  services,
  resolve = resolveAll,
  log = () => undefined,
  port = 0,
}: {
  services: readonly Service[];
  resolve?: (name: string) => Promise<readonly string[]>;
  log?: (fields: object) => void;
  port?: number;
}): Promise<NameServer> {
  const addresses = new Map<string, readonly string[]>();
  const disposed = new AbortController();
  await Promise.all(services.map(look));
  const loops = services.map(keepLooking);
  const socket = createSocket('udp4');
  socket.on('message', (query, { port, address }) => {
    const response = answer(query, (name) => addresses.get(name));
    if (response !== undefined) socket.send(response, port, address);
  });
  socket.bind(port, '127.0.0.1');
  await once(socket, 'listening');
  return {
    port: socket.address().port,
    async [Symbol.asyncDispose]() {
      disposed.abort();
      const closed = once(socket, 'close');
      socket.close();
      await Promise.all([closed, ...loops]);
    },
  };

  async function keepLooking(service: Service): Promise<void> {
    while (!disposed.signal.aborted) {
      const { promise, resolve: end } = Promise.withResolvers<void>();
      const timer = setTimeout(end, INTERVAL_MS);
      disposed.signal.addEventListener('abort', () => end(), { once: true });
      await promise.finally(() => clearTimeout(timer));
      if (!disposed.signal.aborted) await look(service);
    }
  }

  async function look({ name, port }: Service): Promise<void> {
    const all = await resolve(name).catch(() => []);
    const states = await Promise.all(all.map(async (address) => ({ address, ok: await isReady(address, port) })));
    const ready = states.filter(({ ok }) => ok).map(({ address }) => address);
    const known = addresses.get(name);
    const next = (ready.length > 0 ? ready : all).toSorted();
    addresses.set(name, next);
    if (known?.join() !== next.join())
      log({ event: 'instances.changed', service: name, addresses: next, ready: ready.length });
  }
}

async function resolveAll(name: string): Promise<string[]> {
  return (await lookup(name, { all: true, family: 4 })).map(({ address }) => address);
}

async function isReady(address: string, port: number): Promise<boolean> {
  try {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const response = await fetch(`http://${address}:${port}/health/ready`, { signal });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}

/**
 * Answers a DNS query (RFC 1035 §4) with the addresses that `find` returns. A name that it does not know, or a query that
 * is not one question, is refused. Returns undefined for what is no query.
 */
export function answer(query: Buffer, find: (name: string) => readonly string[] | undefined): Buffer | undefined {
  // a response (QR) is not answered, or two servers could go on for ever
  if (query.length < HEADER_BYTES || (query.readUInt16BE(2) & 0x8000) !== 0) return undefined;
  const question = query.readUInt16BE(4) === 1 ? readQuestion(query) : undefined;
  const found = question && find(question.name);
  const isForAddresses = question?.type === TYPE_A && question.class === CLASS_IN;
  const records = isForAddresses ? (found ?? []).slice(0, MAX_ADDRESSES) : [];
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt16BE(query.readUInt16BE(0), 0);
  // a response (QR) with authority (AA), and recursion as in the query (RD)
  header.writeUInt16BE(0x8400 | (query.readUInt16BE(2) & 0x0100) | (found === undefined ? REFUSED : 0), 2);
  header.writeUInt16BE(question === undefined ? 0 : 1, 4);
  header.writeUInt16BE(records.length, 6);
  return Buffer.concat([
    header,
    question === undefined ? Buffer.alloc(0) : query.subarray(HEADER_BYTES, question.end),
    ...records.map(addressRecord),
  ]);
}

function readQuestion(query: Buffer): { name: string; type: number; class: number; end: number } | undefined {
  const labels: string[] = [];
  let offset = HEADER_BYTES;
  for (;;) {
    const length = query[offset];
    // a longer label is a pointer, which a question does not need
    if (length === undefined || length > 63) return undefined;
    offset += 1;
    if (length === 0) break;
    labels.push(query.toString('latin1', offset, offset + length));
    offset += length;
  }
  if (offset + 4 > query.length) return undefined;
  const name = labels.join('.').toLowerCase();
  return { name, type: query.readUInt16BE(offset), class: query.readUInt16BE(offset + 2), end: offset + 4 };
}

/** An address record for the name of the question, to be used for no time at all: nginx has `valid` for that. */
function addressRecord(address: string): Buffer {
  return Buffer.from([0xc0, HEADER_BYTES, 0, TYPE_A, 0, CLASS_IN, 0, 0, 0, 0, 0, 4, ...address.split('.').map(Number)]);
}
