import { Gauge, type Registry } from 'prom-client';
import type { StatusListReader } from '../resource-server/status-list-reader.ts';

/** Adds to `registry` how far a resource server's copy of the status lists has come. */
export function measureStatusListReader(registry: Registry, { state }: StatusListReader): void {
  new Gauge({
    name: 'status_list_age_seconds',
    help: 'Since the issuer was last heard; the waiting request is answered after 25 s at the latest',
    registers: [registry],
    collect() {
      this.set(state().age);
    },
  });
  new Gauge({
    name: 'status_list_last_sequence',
    help: 'The newest revocation that is applied here',
    registers: [registry],
    collect() {
      this.set(state().sequence);
    },
  });
}
