import { Gauge, Histogram, type Registry } from 'prom-client';
import type { Leases } from './leases.ts';
import type { StatusLists } from './status-lists.ts';

/** Adds to `registry` what an operator wants to know of revocation. The returned function is told each lag, in seconds. */
export function measureStatusLists(
  registry: Registry,
  { statusLists, leases }: { statusLists: StatusLists; leases: Leases },
): (lag: number) => void {
  const sum = (numbers: Iterable<number>) => [...numbers].reduce((total, number) => total + number, 0);
  const gauge = (name: string, help: string, value: () => number) => {
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(value());
      },
    });
  };
  const state = statusLists.state;
  gauge('status_list_readers_waiting', 'Requests that wait for the next revocation', () => state().waiting);
  gauge('status_list_revocations', 'Revocations on the lists that are live', () => state().revocations);
  gauge(
    'status_list_last_sequence',
    'The newest revocation that is published here',
    () => statusLists.snapshot().sequence,
  );
  gauge('status_list_indexes_leased', 'Indexes leased of the live lists, by all processes', () =>
    sum(state().leased.values()),
  );
  gauge('status_list_indexes_live', 'Indexes that this process gave to tokens of the live lists', () =>
    sum([...state().leased.keys()].map(leases.countAssigned)),
  );
  const lag = new Histogram({
    name: 'revocation_lag_seconds',
    help: 'From the commit of a revocation to its acknowledgement by a reader of the status lists',
    buckets: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5, 30],
    registers: [registry],
  });
  return (seconds) => lag.observe(seconds);
}
