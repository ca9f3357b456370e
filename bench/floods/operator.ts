import * as z from 'zod';
import { readCredentials } from '../../auth/clients/credentials-file.ts';
import { connectAdmin } from '../../cli/connect-admin.ts';
import { TODO_SCOPES } from '../../shared/scopes.ts';
import { requestAccessToken } from '../../test/support/request-access-token.ts';
import { runYata } from '../../test/support/run-yata.ts';
import type { TestClient } from '../../test/support/start-system.ts';
import type { Installation } from './installation.ts';

/** The result of an action of the operator. `failure` says why it did not succeed. */
export type Action = { readonly milliseconds: number; readonly failure: string | undefined };

/** What an operator does. */
export type Operator = {
  readonly createClient: (name: string) => Promise<TestClient>;
  /** Disables a client with one request to the administration API. */
  readonly disableByApi: (clientId: string) => Promise<Action>;
  /** Disables a client with `yata clients disable`, a process of its own. */
  readonly disableByCommand: (clientId: string) => Promise<Action>;
  /** Returns the id of the newest audit event. */
  readonly findNewestEvent: () => Promise<number>;
  /** Counts the stored audit events that are newer than the one with the id `after`. */
  readonly countEventsAfter: (after: number) => Promise<number>;
  /** Returns how many audit events auth has dropped since its start, because it could not store them in time. */
  readonly countDroppedEvents: () => Promise<number>;
};

/** The largest page of audit events. */
const PAGE = 1000;

const ACTION_TIMEOUT_MS = 60_000;

/** Connects to auth as the administrator of the installation. */
export async function openOperator({ issuer, environment }: Installation): Promise<Operator> {
  const { OAUTH_CLIENT_ID: id, OAUTH_CLIENT_SECRET: secret } = readCredentials(environment.YATA_DATA_DIR, 'admin');
  // a connection has 30 seconds for all its requests, as a command has
  const connect = () => connectAdmin(environment, () => undefined).admin;
  const accessToken = await requestAccessToken(issuer, { id, secret }, { resource: `${issuer}/admin` });

  return {
    async createClient(name) {
      const client = await connect().createClient({ client_name: name, scope: TODO_SCOPES.join(' ') });
      return { id: client.client_id, secret: z.string().parse(client.client_secret) };
    },
    disableByApi: (clientId) =>
      measure(async () => {
        const response = await fetch(`${issuer}/admin/clients/${clientId}`, {
          method: 'PATCH',
          headers: { authorization: `Bearer ${accessToken}`, 'content-type': 'application/json' },
          body: JSON.stringify({ active: false }),
          signal: AbortSignal.timeout(ACTION_TIMEOUT_MS),
        });
        const text = await response.text();
        return response.ok ? undefined : `${response.status} ${text}`;
      }),
    disableByCommand: (clientId) =>
      measure(async () => {
        const { code, stderr } = await runYata(['clients', 'disable', clientId], { environment });
        return code === 0 ? undefined : stderr.trim();
      }),
    async findNewestEvent() {
      const [newest] = await connect().listAudit({ limit: '1' });
      return newest?.id ?? 0;
    },
    async countEventsAfter(after) {
      let [events, before] = [0, ''];
      for (;;) {
        const page = await connect().listAudit({ limit: String(PAGE), ...(before !== '' && { before }) });
        const later = page.filter(({ id }) => id > after);
        // auth records by an event of its own how many it has dropped
        events += later.filter(({ action }) => action !== 'audit.drop').length;
        if (later.length < PAGE) return events;
        before = String(later.at(-1)?.id);
      }
    },
    async countDroppedEvents() {
      const metrics = await (await fetch(`${issuer}/metrics`)).text();
      return Number(/^audit_events_dropped_total(?:\{[^}]*\})? (\d+)$/m.exec(metrics)?.[1] ?? 0);
    },
  };
}

async function measure(act: () => Promise<string | undefined>): Promise<Action> {
  const startedAt = performance.now();
  const failure = await act().catch((error) => String(error));
  return { milliseconds: performance.now() - startedAt, failure };
}
