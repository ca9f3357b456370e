import { Gauge, type Registry } from 'prom-client';
import type { StatusListReader } from '../resource-server/status-list-reader.ts';

/** Adds the metrics of a resource server's cached status lists to `registry`. */
export function measureStatusListReader(registry: Registry, { state }: StatusListReader): void {
  new Gauge({
    name: 'status_list_age_seconds',
    help: 'Seconds since the last answer of the issuer; a waiting request is answered after at most 2 s',
    registers: [registry],
    collect() {
      this.set(state().age);
    },
  });
  new Gauge({
    name: 'status_list_last_sequence',
    help: 'Sequence of the newest revocation that is applied here',
    registers: [registry],
    collect() {
      this.set(state().sequence);
    },
  });
}
