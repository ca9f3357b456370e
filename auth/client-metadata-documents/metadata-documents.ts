import { setTimeout as delay } from 'node:timers/promises';
import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { LRUCache } from 'lru-cache';
import type { Logger } from 'pino';
import { TODO_SCOPES } from '../../shared/scopes.ts';
import { BY_ITSELF, insertSuccess } from '../audit/audit.ts';
import { ClientEntity, type ClientRow } from '../clients/client.entity.ts';
import { MAX_CLIENT_KEYS } from '../clients/client-keys.ts';
import type { Clients } from '../clients/clients.ts';
import { createNetworkLimit } from '../request-limits/network-limit.ts';
import bundledDocuments from './bundled-documents.json' with { type: 'json' };
import type { FetchPublic } from './fetch-public.ts';
import {
  findUsableKeys,
  InvalidDocumentError,
  isDocumentId,
  type MetadataDocument,
  parseDocument,
} from './metadata-document.ts';

const MAX_DOCUMENT_BYTES = 10_240;
const MAX_JWKS_BYTES = 65_536;

/** For how long a document is fresh, whatever its headers say. */
const MIN_FRESH_SECONDS = 300;
const MAX_FRESH_SECONDS = 86_400;
const DEFAULT_FRESH_SECONDS = 3_600;

/** Days for which the last good copy of a document that cannot be fetched is used for new connections. */
const MAX_STALE_DAYS = 30;

/**
 * A failed fetch is not repeated for so long. Each fetch that fails takes the same time, so that it tells nothing about a
 * network.
 */
const FAILURE_MEMORY_MS = 60_000;
const FAILURE_TIME_MS = 2_500;

/** Documents that are not known yet, which one network may name within an hour. */
const NEW_DOCUMENTS = { points: 20, seconds: 3_600 };

/** The age at which the keys of clients with connections are fetched again in the background. */
const KEYS_MAX_AGE_MINUTES = 60;
const MAX_BACKGROUND_FETCHES = 5;

/** Which documents are accepted: of any host, of some hosts, or none. */
export type DocumentPolicy = 'any' | 'off' | ReadonlySet<string>;

/** A client cannot be used, because its document is not accepted or cannot be fetched. The message is for a person. */
export class DocumentUnavailableError extends Error {
  override readonly name = 'DocumentUnavailableError';
  readonly retryAfterSeconds: number | undefined;

  constructor(message: string, { retryAfterSeconds, cause }: { retryAfterSeconds?: number; cause?: unknown } = {}) {
    super(message, { cause });
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** The clients whose id is the URL of their metadata document. */
export type MetadataDocuments = {
  /**
   * Makes the client of a document known, and fetches the document if its copy is not fresh. The last good copy serves when
   * the document cannot be fetched or is not valid. Only an authorization request calls this: no token request waits for another server.
   * @param mayFetchNew whether a document that is not known may be fetched for this request.
   * @throws {DocumentUnavailableError}
   */
  readonly prepare: (clientId: string, request: { address: string; mayFetchNew: boolean }) => Promise<void>;
  /** Fetches the keys of clients with connections again, in the background, so that a client can change its keys. */
  readonly refreshKeys: () => Promise<void>;
};

/** Creates the view of client ID metadata documents (draft-ietf-oauth-client-id-metadata-document). */
export function createMetadataDocuments({
  em,
  clients,
  policy,
  resources,
  fetchPublic,
  logger,
}: {
  em: SqlEntityManager;
  clients: Pick<Clients, 'find' | 'invalidate'>;
  policy: DocumentPolicy;
  /** The resource identifiers for which such a client may get access tokens. */
  resources: readonly string[];
  fetchPublic: FetchPublic;
  logger: Logger;
}): MetadataDocuments {
  const failures = new LRUCache<string, Error>({ max: 1_000, ttl: FAILURE_MEMORY_MS });
  const fetching = new Map<string, Promise<void>>();
  /** Clients whose keys could not be fetched. They are left out for a while, so that others get a turn. */
  const failedRefreshes = new LRUCache<string, true>({ max: 1_000, ttl: KEYS_MAX_AGE_MINUTES * 60_000 });
  const countNew = createNetworkLimit(NEW_DOCUMENTS);

  return {
    async prepare(clientId, { address, mayFetchNew }) {
      if (!isDocumentId(clientId))
        throw new DocumentUnavailableError('The client id is not the address of a document.');
      const { hostname } = new URL(clientId);
      if (policy === 'off' || (policy !== 'any' && !policy.has(hostname)))
        throw new DocumentUnavailableError(`Clients of ${hostname} are not accepted here. Ask your administrator.`);
      const known = await clients.find(clientId);
      if (known !== undefined && isFresh(known)) return;
      if (known === undefined) {
        if (await isDisabled(clientId)) throw new DocumentUnavailableError('An administrator disabled this client.');
        if (!mayFetchNew)
          throw new DocumentUnavailableError(
            'A page tried to start this request in the background. Open the address in a browser window.',
          );
        const retryAfterSeconds = countNew(address);
        if (retryAfterSeconds !== undefined)
          throw new DocumentUnavailableError('Too many new clients were named from this address. Try again later.', {
            retryAfterSeconds,
          });
      }
      const update = fetching.get(clientId) ?? fetchAndStore(clientId, known).finally(() => fetching.delete(clientId));
      fetching.set(clientId, update);
      try {
        await update;
      } catch (cause) {
        if (known !== undefined && isUsable(known)) return;
        if (await storeBundled(clientId)) return;
        if (cause instanceof InvalidDocumentError)
          throw new DocumentUnavailableError(
            `The document at ${clientId} does not describe a client that can be used here: ${cause.message}.`,
            { cause },
          );
        throw new DocumentUnavailableError(
          `The document at ${clientId} or its keys cannot be fetched. Try again in a minute, or ask the maker of the client.`,
          { cause },
        );
      }
    },
    async refreshKeys() {
      const due = await em.fork().execute<{ clientId: string }[]>(
        `select client_id as "clientId" from auth.client
         where kind = 'document' and active and jwks_uri is not null
           and document_fetched_at < now() - make_interval(mins => ${KEYS_MAX_AGE_MINUTES})
           and exists (select 1 from auth.connection where connection.client_id = client.client_id)
           and client_id not in (select jsonb_array_elements_text(?::jsonb))
         order by document_fetched_at limit ${MAX_BACKGROUND_FETCHES}`,
        [JSON.stringify([...failedRefreshes.keys()])],
      );
      await Promise.all(due.map(({ clientId }) => refreshKeysOf(clientId)));
    },
  };

  async function refreshKeysOf(clientId: string): Promise<void> {
    try {
      await fetchAndStore(clientId, await clients.find(clientId));
    } catch (err) {
      failedRefreshes.set(clientId, true);
      logger.warn(
        { event: 'client_document.refresh_failed', err, client_id: clientId },
        'cannot fetch the keys of a client',
      );
    }
  }

  /** Fetches a document and stores it. */
  async function fetchAndStore(clientId: string, known: ClientRow | undefined): Promise<void> {
    const { hostname } = new URL(clientId);
    const remembered = failures.get(hostname) ?? failures.get(clientId);
    if (remembered !== undefined) throw remembered;
    const started = performance.now();
    let hasAnswered = false;
    try {
      const response = await fetchPublic(clientId, {
        maxBytes: MAX_DOCUMENT_BYTES,
        headers: known?.documentEtag ? { 'if-none-match': known.documentEtag } : {},
      });
      hasAnswered = true;
      if (response.status === 304 && known !== undefined && known.jwksUri == null) {
        await store(clientId, { ...freshness(response.headers), documentFetchedAt: new Date() });
        return;
      }
      if (response.status !== 200) throw new Error(`the response has the status ${response.status}`);
      if (!/^application\/([\w.-]+\+)?json\b/i.test(response.headers['content-type'] ?? ''))
        throw new InvalidDocumentError('content-type: expected application/json');
      const document = parseDocument(clientId, response.body);
      await store(clientId, {
        ...toColumns(document, await fetchKeys(document)),
        ...freshness(response.headers),
        documentFetchedAt: new Date(),
      });
    } catch (error) {
      if (!(error instanceof InvalidDocumentError)) {
        // a path that does not exist, or keys, must not block the other documents of a host that answers
        failures.set(hasAnswered ? clientId : hostname, error instanceof Error ? error : new Error(String(error)));
        await delay(Math.max(0, FAILURE_TIME_MS - (performance.now() - started)));
      }
      throw error;
    }
  }

  async function fetchKeys({ token_endpoint_auth_method: method, jwks, jwks_uri }: MetadataDocument) {
    if (method === 'none') return null;
    const keys = findUsableKeys(jwks ?? (await fetchJwks(String(jwks_uri))), MAX_CLIENT_KEYS);
    if (keys.length === 0) throw new InvalidDocumentError('jwks: expected a public key of the types EC, OKP or RSA');
    return { keys };
  }

  async function fetchJwks(uri: string): Promise<unknown> {
    const { status, body } = await fetchPublic(uri, { maxBytes: MAX_JWKS_BYTES });
    if (status !== 200) throw new Error(`jwks_uri: the response has the status ${status}`);
    return JSON.parse(body);
  }

  async function store(clientId: string, columns: Partial<ClientRow>): Promise<void> {
    await em.fork().transactional(async (transaction) => {
      const isKnown =
        (await transaction.nativeUpdate(ClientEntity, { clientId }, { ...columns, updatedAt: new Date() })) > 0;
      if (isKnown) return;
      await transaction.execute("select pg_advisory_xact_lock(hashtext('auth client documents'))");
      if ((await transaction.count(ClientEntity, { clientId })) > 0) return;
      await transaction.insert(ClientEntity, {
        clientId,
        kind: 'document',
        scopes: [...TODO_SCOPES],
        resources: [...resources],
        resourceServer: null,
        ...(columns as Pick<ClientRow, 'name' | 'tokenEndpointAuthMethod' | 'redirectUris'>),
      });
      await insertSuccess(transaction, BY_ITSELF, 'client.register', clientId, {
        client_name: columns.name ?? null,
        redirect_uris: columns.redirectUris ?? [],
      });
    });
    clients.invalidate(clientId);
  }

  /** Stores the copy of a document that is part of yata. @returns whether there is one. */
  async function storeBundled(clientId: string): Promise<boolean> {
    const bundled = bundledDocuments.find(({ document }) => document.client_id === clientId);
    if (bundled === undefined) return false;
    const document = parseDocument(clientId, JSON.stringify(bundled.document));
    const documentExpiresAt = new Date(Date.now() + MIN_FRESH_SECONDS * 1000);
    await store(clientId, {
      ...toColumns(document, null),
      documentEtag: null,
      documentFetchedAt: null,
      documentExpiresAt,
    });
    return true;
  }

  async function isDisabled(clientId: string): Promise<boolean> {
    return (await em.fork().count(ClientEntity, { clientId, active: false })) > 0;
  }
}

function toColumns(document: MetadataDocument, jwks: ClientRow['jwks'] | null) {
  return {
    name: document.client_name,
    clientUri: document.client_uri ?? null,
    redirectUris: document.redirect_uris,
    tokenEndpointAuthMethod: document.token_endpoint_auth_method,
    jwks: jwks ?? null,
    jwksUri: (document.token_endpoint_auth_method === 'private_key_jwt' && document.jwks_uri) || null,
  };
}

function freshness(headers: Readonly<Record<string, string | undefined>>) {
  const [, given] = /(?:^|[,\s])max-age=(\d{1,9})/i.exec(headers['cache-control'] ?? '') ?? [];
  const seconds = given === undefined ? DEFAULT_FRESH_SECONDS : Number(given);
  const clamped = Math.min(Math.max(seconds, MIN_FRESH_SECONDS), MAX_FRESH_SECONDS);
  return {
    documentExpiresAt: new Date(Date.now() + clamped * 1000),
    documentEtag: headers.etag?.slice(0, 500) ?? null,
  };
}

function isFresh({ documentExpiresAt }: Pick<ClientRow, 'documentExpiresAt'>): boolean {
  return documentExpiresAt != null && documentExpiresAt.getTime() > Date.now();
}

/** Whether a copy that was fetched is young enough. A bundled copy was not fetched: its newest version is stored again. */
function isUsable({ documentFetchedAt }: Pick<ClientRow, 'documentFetchedAt'>): boolean {
  return documentFetchedAt != null && documentFetchedAt.getTime() > Date.now() - MAX_STALE_DAYS * 86_400_000;
}
