/** Decides when the requests of a server begin. */
export type RequestScheduler = {
  /** Calls `begin` soon. `party` tells apart those who send requests. */
  readonly schedule: (party: string, begin: () => void) => void;
  /** Delays the requests until the other connections that the operating system has ready are accepted. */
  readonly onConnection: () => void;
};

/** A turn of the event loop begins as many requests, unless those before them have taken this long. */
const MAX_PER_TURN = 16;
const TURN_MS = 5;

/** How long requests are delayed at a time while connections are accepted. */
const ACCEPTING_MS = 10;

/** The callbacks of one turn that have not run yet, and the time after which the turn begins no further request. */
type Turn = { callbacks: number; endsAt: number | undefined };

/**
 * Begins the requests of several parties by turns, and only a few in each turn of the event loop. Without it, Node begins
 * all requests that it has received together before it receives others. With the embedded database, which does not return
 * to the event loop, each even runs to its end: 100 requests of one client for long pages would delay others by a second.
 *
 * Node accepts one connection in each turn of the event loop, in the order in which they were opened. So turns are kept short
 * while there are further ones: a new connection behind 100 others would otherwise wait for the work of all their requests.
 */
export function createRequestScheduler(): RequestScheduler {
  // the first party is the next one
  const waiting = new Map<string, (() => void)[]>();
  let size = 0;
  let nextTurn: Turn = { callbacks: 0, endsAt: undefined };
  let hasAccepted = false;
  let acceptingSince: number | undefined;

  return {
    schedule(party, begin) {
      const ofParty = waiting.get(party);
      if (ofParty === undefined) waiting.set(party, [begin]);
      else ofParty.push(begin);
      size += 1;
      addCallbacks(0);
    },
    onConnection() {
      hasAccepted = true;
    },
  };

  /** Adds callbacks to the next turn, so that there is one for each request, with `others` that will run before. */
  function addCallbacks(others: number): void {
    while (nextTurn.callbacks < MAX_PER_TURN && nextTurn.callbacks + others < size) {
      nextTurn.callbacks += 1;
      setImmediate(beginNext, nextTurn);
    }
  }

  // each request has a callback of its own: what it can do without waiting is done when the callback after it runs
  function beginNext(turn: Turn): void {
    // callbacks that are added from now on run in the turn after this one
    if (turn === nextTurn) nextTurn = { callbacks: 0, endsAt: undefined };
    turn.callbacks -= 1;
    turn.endsAt ??= findEnd();
    const begin = performance.now() < turn.endsAt ? takeNext() : undefined;
    addCallbacks(turn.callbacks);
    begin?.();
  }

  /** Returns when the turn that begins now ends. It ends at once when a connection was accepted since the one before. */
  function findEnd(): number {
    const now = performance.now();
    if (hasAccepted) acceptingSince ??= now;
    else acceptingSince = undefined;
    hasAccepted = false;
    if (acceptingSince !== undefined && now < acceptingSince + ACCEPTING_MS) return now;
    acceptingSince = undefined;
    return now + TURN_MS;
  }

  function takeNext(): (() => void) | undefined {
    for (const [party, ofParty] of waiting) {
      const begin = ofParty.shift();
      waiting.delete(party);
      if (ofParty.length > 0) waiting.set(party, ofParty);
      size -= 1;
      return begin;
    }
    return undefined;
  }
}
