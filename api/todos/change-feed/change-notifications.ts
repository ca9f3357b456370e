import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Statement } from '../writes/list-statements.ts';
import type { ListTransactions } from '../writes/list-transactions.ts';
import { TODO_CHANGES } from './todo-change.entity.ts';

/** The newest change of a list, as a notification names it. */
export type ChangedList = { readonly key: string; readonly sequence: number };

/** Lists in one notification, whose payload has at most 8,000 bytes. */
const LISTS_PER_NOTIFICATION = 100;

/** The time between two notifications. Each takes a lock of the whole database server. */
const INTERVAL_MS = 5;

const RETRY_INTERVAL_MS = 500;

/** Notifies other processes of changes that are committed. */
export type ChangeNotifier = {
  /** Notifies soon. Changes that come meanwhile are sent together. */
  readonly notify: (list: ChangedList) => void;
  /** Resolves when everything is sent, or cannot be sent. */
  readonly end: () => Promise<void>;
};

/** Creates the notifier. A process that ends before it has notified costs a waiting reader at most the time of its poll. */
export function createChangeNotifier({
  transactions,
  logger,
}: {
  transactions: Pick<ListTransactions, 'execute'>;
  logger: Logger;
}): ChangeNotifier {
  let pending = new Map<string, number>();
  let sending: Promise<void> | undefined;
  let hasEnded = false;
  return {
    notify({ key, sequence }) {
      add(key, sequence);
      sending ??= send().finally(() => {
        sending = undefined;
      });
    },
    async end() {
      hasEnded = true;
      await sending;
    },
  };

  function add(key: string, sequence: number): void {
    pending.set(key, Math.max(sequence, pending.get(key) ?? 0));
  }

  async function send(): Promise<void> {
    while (pending.size > 0) {
      const sent = pending;
      pending = new Map();
      try {
        await transactions.execute([NOTIFY, formatPayloads(sent)]);
        if (!hasEnded) await delay(INTERVAL_MS);
      } catch (err) {
        if (hasEnded) return;
        logger.warn({ event: 'todo_changes.notify_failed', err }, 'cannot notify other processes of changes, retrying');
        for (const [key, sequence] of sent) add(key, sequence);
        await delay(RETRY_INTERVAL_MS);
      }
    }
  }
}

const NOTIFY: Statement = {
  name: 'notify',
  text: `select pg_notify('${TODO_CHANGES}', payload) from unnest($1::text[]) as payload`,
};

/** Identifies the list of an owner in a notification, because a subject can be long. */
export function listKey(owner: string): string {
  return createHash('sha256').update(owner).digest('base64url');
}

/** The payloads of notifications: `3 KEY,17 KEY`. */
function formatPayloads(lists: ReadonlyMap<string, number>): string[] {
  const texts = [...lists].map(([key, sequence]) => `${sequence} ${key}`);
  const count = Math.ceil(texts.length / LISTS_PER_NOTIFICATION);
  return Array.from({ length: count }, (_, index) =>
    texts.slice(index * LISTS_PER_NOTIFICATION, (index + 1) * LISTS_PER_NOTIFICATION).join(','),
  );
}

/** Parses the payload of a notification. */
export function parsePayload(payload: string): ChangedList[] {
  return payload.split(',').flatMap((text) => {
    const [sequence = '', key] = text.split(' ');
    return key === undefined ? [] : [{ key, sequence: Number(sequence) }];
  });
}
