/**
 * The readers of this process, and the newest revocation that each has applied. A reader is a program that reads the
 * status lists, such as a resource server.
 */
export type Readers = {
  /** Records that a reader made a request and has applied every revocation up to `sequence`. */
  readonly acknowledge: (reader: string, sequence: number) => void;
  /** Calls `listener` after every acknowledgement. */
  readonly onAcknowledgement: (listener: () => void) => void;
  /** Sorts the readers that made a request lately by whether they have applied the revocation `sequence`. */
  readonly findPropagation: (sequence: number) => { readonly confirmed: string[]; readonly pending: string[] };
};

/** A reader that made no request for this long is no longer waited for. */
const READER_TIMEOUT_MS = 60_000;

/** Readers that are tracked. A request needs no authentication, so one program can pretend to be many readers. */
const MAX_READERS = 10_000;

/**
 * Creates the table of readers. A request that names the newest revocation that its reader has applied acknowledges
 * that revocation and all before it.
 * @param commitTimes returns when each revocation with a sequence in (after, upTo] was committed, in milliseconds since
 *   the epoch.
 * @param observeLag is called with the seconds from the commit of a revocation to its acknowledgement by a reader.
 */
export function createReaders({
  commitTimes,
  observeLag,
  now = Date.now,
}: {
  commitTimes: (after: number, upTo: number) => readonly number[];
  observeLag: (seconds: number) => void;
  now?: () => number;
}): Readers {
  const readers = new Map<string, { sequence: number; requestedAt: number }>();
  const listeners: (() => void)[] = [];
  let lastUntrackedAt = Number.NEGATIVE_INFINITY;

  return {
    acknowledge(reader, sequence) {
      const known = readers.get(reader);
      if (known === undefined && readers.size >= MAX_READERS) forgetInactive();
      if (known === undefined && readers.size >= MAX_READERS) {
        lastUntrackedAt = now();
        return;
      }
      if (known !== undefined) {
        for (const committedAt of commitTimes(known.sequence, sequence)) observeLag((now() - committedAt) / 1000);
      }
      readers.set(reader, { sequence: Math.max(sequence, known?.sequence ?? 0), requestedAt: now() });
      for (const listener of listeners) listener();
    },
    onAcknowledgement(listener) {
      listeners.push(listener);
    },
    findPropagation(sequence) {
      forgetInactive();
      const hasApplied = ([, reader]: [string, { sequence: number }]) => reader.sequence >= sequence;
      const entries = [...readers];
      return {
        confirmed: entries.filter(hasApplied).map(([name]) => name),
        pending: [
          ...entries.filter((entry) => !hasApplied(entry)).map(([name]) => name),
          // a reader that is not tracked may not have applied the revocation
          ...(now() - lastUntrackedAt > READER_TIMEOUT_MS ? [] : [`readers beyond the first ${MAX_READERS}`]),
        ],
      };
    },
  };

  function forgetInactive(): void {
    for (const [name, { requestedAt }] of readers) if (now() - requestedAt > READER_TIMEOUT_MS) readers.delete(name);
  }
}
