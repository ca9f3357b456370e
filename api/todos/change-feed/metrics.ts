import { Gauge, type Registry } from 'prom-client';
import type { TodoChangeFeed } from './change-feed.ts';

/** Adds the metrics of the change feed to `registry`. */
export function measureChangeFeed(registry: Registry, { countWaiting }: Pick<TodoChangeFeed, 'countWaiting'>): void {
  new Gauge({
    name: 'todo_changes_waiting',
    help: 'Requests that wait for the next change of their todos',
    registers: [registry],
    collect() {
      this.set(countWaiting());
    },
  });
}
