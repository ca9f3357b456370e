/** Calls `begin` soon. `party` tells apart those who send requests. */
export type RequestScheduler = (party: string, begin: () => void) => void;

/** A turn of the event loop begins as many requests, unless those before them have taken this long. */
const MAX_PER_TURN = 16;
const TURN_MS = 5;

/** The callbacks of one turn that have not run yet, and the time after which the turn begins no further request. */
type Turn = { callbacks: number; endsAt: number | undefined };

/**
 * Begins the requests of several parties by turns, and only a few in each turn of the event loop. Without it, Node begins
 * all requests that it has received together before it receives others. With the embedded database, which does not return
 * to the event loop, each even runs to its end: 100 requests of one client for long pages would delay others by a second.
 */
export function createRequestScheduler(): RequestScheduler {
  // the first party is the next one
  const waiting = new Map<string, (() => void)[]>();
  let size = 0;
  let nextTurn: Turn = { callbacks: 0, endsAt: undefined };

  return (party, begin) => {
    const ofParty = waiting.get(party);
    if (ofParty === undefined) waiting.set(party, [begin]);
    else ofParty.push(begin);
    size += 1;
    schedule(0);
  };

  /** Adds callbacks to the next turn, so that there is one for each request, with `others` that will run before. */
  function schedule(others: number): void {
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
    turn.endsAt ??= performance.now() + TURN_MS;
    const begin = performance.now() < turn.endsAt ? takeNext() : undefined;
    schedule(turn.callbacks);
    begin?.();
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
