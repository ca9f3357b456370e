import type { WaitGroup } from '../../shared/http/prefer-wait.ts';

/** The requests that wait without authentication. They share one limit. The name is no client id. */
export const ANONYMOUS_WAITS: WaitGroup = { name: '', limit: 100 };

const MAX_WAITS_PER_CLIENT = 100;

/** The requests that wait and are authenticated as this client. */
export function waitsOfClient(clientId: string): WaitGroup {
  return { name: clientId, limit: MAX_WAITS_PER_CLIENT };
}
