/** The resource servers that read the status lists at this process, and how far each has come. */
export type Readers = {
  /** A reader asked, and has applied every revocation up to `sequence`. */
  readonly acknowledge: (reader: string, sequence: number) => void;
  /** Who asked lately, and who of them has applied the revocation `sequence`. */
  readonly confirmations: (sequence: number) => {
    readonly confirmed: string[];
    readonly pending: string[];
  };
};

/** Milliseconds after which a reader that does not ask any more is no longer waited for. */
const GONE_AFTER = 60_000;

/** Readers that are kept count of: anybody may ask, so somebody may pretend to be many. */
const AT_MOST = 10_000;

/**
 * Creates the count of readers. A request that names the newest revocation that its reader has applied is the
 * acknowledgement of it, and of all before it.
 * @param observeLag is told the seconds from each commit to each acknowledgement.
 * @param acknowledged is told of each acknowledgement.
 */
export function createReaders({
  committedBetween,
  observeLag,
  acknowledged,
  now = Date.now,
}: {
  committedBetween: (after: number, upTo: number) => readonly number[];
  observeLag: (seconds: number) => void;
  acknowledged: () => void;
  now?: () => number;
}): Readers {
  const readers = new Map<string, { sequence: number; askedAt: number }>();
  let turnedAwayAt = Number.NEGATIVE_INFINITY;

  return {
    acknowledge(reader, sequence) {
      const known = readers.get(reader);
      if (known === undefined && readers.size >= AT_MOST) forgetGone();
      if (known === undefined && readers.size >= AT_MOST) {
        turnedAwayAt = now();
        return;
      }
      if (known !== undefined) {
        for (const committedAt of committedBetween(known.sequence, sequence)) observeLag((now() - committedAt) / 1000);
      }
      readers.set(reader, { sequence: Math.max(sequence, known?.sequence ?? 0), askedAt: now() });
      acknowledged();
    },
    confirmations(sequence) {
      forgetGone();
      const applied = ([, reader]: [string, { sequence: number }]) => reader.sequence >= sequence;
      const entries = [...readers];
      return {
        confirmed: entries.filter(applied).map(([name]) => name),
        pending: [
          ...entries.filter((entry) => !applied(entry)).map(([name]) => name),
          // whoever is not kept count of may be behind
          ...(now() - turnedAwayAt > GONE_AFTER ? [] : [`readers beyond the first ${AT_MOST}`]),
        ],
      };
    },
  };

  function forgetGone(): void {
    for (const [name, { askedAt }] of readers) if (now() - askedAt > GONE_AFTER) readers.delete(name);
  }
}
