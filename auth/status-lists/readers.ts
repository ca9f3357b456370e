/**
 * A reader is a program that reads the status lists, such as a resource server. Only a reader that has authenticated as a
 * client is tracked. Processes of one client have names of their own; the name of a process that has none is ''.
 */
export type Reader = {
  readonly clientId: string;
  readonly process: string;
  /** The hash of the secret with which it authenticated. */
  readonly secretHash: string;
};

/** The readers of this process, and the newest revocation that each has applied. */
export type Readers = {
  /** Records that a reader made a request and has applied every revocation up to `sequence`. */
  readonly acknowledge: (reader: Reader, sequence: number) => void;
  /** Calls `listener` after every acknowledgement, and after readers were removed. */
  readonly onAcknowledgement: (listener: () => void) => void;
  /** Sorts the readers that made a request lately by whether they have applied the revocation `sequence`. */
  readonly findPropagation: (sequence: number) => { readonly confirmed: string[]; readonly pending: string[] };
  /** The ids of the clients that have readers. */
  readonly clientIds: () => string[];
  /** Removes the readers of a client that authenticated with a secret for which `isValid` is false. */
  readonly removeUnless: (clientId: string, isValid: (secretHash: string) => boolean) => void;
};

/** A reader that made no request for this long is no longer waited for. */
const READER_TIMEOUT_MS = 60_000;

/** Readers of one client that are tracked. A process can name itself as it likes, so one can pretend to be many. */
const MAX_READERS_PER_CLIENT = 100;

type ReaderState = { readonly sequence: number; readonly requestedAt: number; readonly secretHash: string };

/** The readers of one client by the names of their processes. */
type ClientReaders = { readonly byProcess: Map<string, ReaderState>; untrackedAt: number };

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
  const clients = new Map<string, ClientReaders>();
  const listeners: (() => void)[] = [];

  return {
    acknowledge({ clientId, process, secretHash }, sequence) {
      const client = clients.get(clientId) ?? { byProcess: new Map(), untrackedAt: Number.NEGATIVE_INFINITY };
      const known = client.byProcess.get(process);
      if (known === undefined && client.byProcess.size >= MAX_READERS_PER_CLIENT) removeInactive();
      if (known === undefined && client.byProcess.size >= MAX_READERS_PER_CLIENT) {
        client.untrackedAt = now();
        return;
      }
      if (known !== undefined) {
        for (const committedAt of commitTimes(known.sequence, sequence)) observeLag((now() - committedAt) / 1000);
      }
      const newest = Math.max(sequence, known?.sequence ?? 0);
      client.byProcess.set(process, { sequence: newest, requestedAt: now(), secretHash });
      clients.set(clientId, client);
      notify();
    },
    onAcknowledgement(listener) {
      listeners.push(listener);
    },
    findPropagation(sequence) {
      removeInactive();
      const [confirmed, pending]: [string[], string[]] = [[], []];
      for (const [clientId, { byProcess, untrackedAt }] of clients) {
        for (const [process, reader] of byProcess)
          (reader.sequence >= sequence ? confirmed : pending).push(formatName(clientId, process));
        // a process that is not tracked may not have applied the revocation
        if (isRecent(untrackedAt)) pending.push(`${clientId} (processes beyond the first ${MAX_READERS_PER_CLIENT})`);
      }
      return { confirmed, pending };
    },
    clientIds: () => [...clients.keys()],
    removeUnless(clientId, isValid) {
      const { byProcess } = clients.get(clientId) ?? {};
      for (const [process, { secretHash }] of byProcess ?? []) if (!isValid(secretHash)) byProcess?.delete(process);
      notify();
    },
  };

  function removeInactive(): void {
    for (const [clientId, { byProcess, untrackedAt }] of clients) {
      for (const [process, { requestedAt }] of byProcess) if (!isRecent(requestedAt)) byProcess.delete(process);
      if (byProcess.size === 0 && !isRecent(untrackedAt)) clients.delete(clientId);
    }
  }

  function isRecent(time: number): boolean {
    return now() - time <= READER_TIMEOUT_MS;
  }

  function notify(): void {
    for (const listener of listeners) listener();
  }
}

function formatName(clientId: string, process: string): string {
  return process === '' ? clientId : `${clientId} (${process})`;
}
