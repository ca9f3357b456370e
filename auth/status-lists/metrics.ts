import { Gauge, Histogram, type Registry } from 'prom-client';
import type { Leases } from './leases.ts';
import type { StatusLists } from './status-lists.ts';
import { ANONYMOUS_WAITS } from './wait-groups.ts';

/**
 * Adds the metrics of the status lists to `registry`.
 * @returns a function that observes the seconds from the commit of a revocation to its acknowledgement by a reader.
 */
export function measureStatusLists(
  registry: Registry,
  {
    statusLists,
    leases,
    countPropagationWaits,
  }: { statusLists: StatusLists; leases: Leases; countPropagationWaits: () => number },
): (lagSeconds: number) => void {
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
  const { getStatistics, countWaiting } = statusLists;
  const countAnonymous = () => countWaiting(ANONYMOUS_WAITS.name);
  gauge(
    'status_list_readers_waiting',
    'Requests of authenticated resource servers that wait for the next revocation',
    () => countWaiting() - countAnonymous(),
  );
  gauge('status_list_anonymous_waiting', 'Requests without authentication that wait for it', countAnonymous);
  gauge(
    'status_list_read_age_seconds',
    'Seconds since this process last read the revocations from the database; it reads them every 2 s',
    () => getStatistics().readAge,
  );
  gauge('status_list_published', 'Status lists that this process publishes', () => getStatistics().leased.size);
  gauge(
    'revocation_propagation_waiting',
    'Requests that wait until the resource servers have applied a revocation (tokens revoke --wait)',
    countPropagationWaits,
  );
  gauge('status_list_revocations', 'Revocations on the published lists', () => getStatistics().revocations);
  gauge(
    'status_list_last_sequence',
    'Sequence of the newest revocation that this process publishes',
    () => statusLists.snapshot().sequence,
  );
  gauge('status_list_indexes_leased', 'Leased indexes of the published lists, by all processes', () =>
    sum(getStatistics().leased.values()),
  );
  gauge('status_list_indexes_live', 'Indexes of the published lists that this process assigned to tokens', () =>
    sum([...getStatistics().leased.keys()].map(leases.countAssigned)),
  );
  const lag = new Histogram({
    name: 'revocation_lag_seconds',
    help: 'Seconds from the commit of a revocation to its acknowledgement by a reader of the status lists',
    buckets: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5, 30],
    registers: [registry],
  });
  return (seconds) => lag.observe(seconds);
}
