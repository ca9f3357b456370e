import { setTimeout as delay } from 'node:timers/promises';

/** The times of a patient fetch, in milliseconds. */
type Times = {
  /** How long all requests of a command, or one of them, may take, repetitions included. */
  readonly total: number;
  /** How long one attempt of a request that may be repeated waits for its response. */
  readonly attempt: number;
  /** How long nothing may listen at the address, as while a service restarts. */
  readonly absent: number;
  /** When the user reads that the command still waits. */
  readonly notice: number;
  /** The time between two attempts, unless the response names a longer one (`Retry-After`). */
  readonly pause: number;
};

const TIMES: Times = { total: 30_000, attempt: 15_000, absent: 2_000, notice: 3_000, pause: 500 };

/** What a server, or a proxy in front of it, answers while it cannot serve. */
const UNAVAILABLE: readonly number[] = [502, 503, 504];

/** Who is waited for. */
type Patience = {
  /** What the user reads before "Waiting": no response has come, or one that says that there were too many requests (429). */
  readonly notice: { readonly unanswered: string; readonly limited: string };
  /** The statuses after which a request is repeated. */
  readonly repeated: readonly number[];
  /** Whether the time is that of all requests of the command, or each request has it for itself. */
  readonly timeOf: 'command' | 'request';
  readonly times: Times;
};

const AUTH_NOTICE = {
  unanswered: 'The authorization server has not answered yet.',
  limited: 'The authorization server issues no more access tokens at the moment.',
};

const FOR_AUTH: Patience = {
  notice: AUTH_NOTICE,
  repeated: UNAVAILABLE,
  timeOf: 'command',
  times: TIMES,
};

/** The todo API limits what a subject may send in a minute, and an import can have more than that. */
export const FOR_TODO_API: Patience = {
  notice: {
    unanswered: 'The todo API has not answered yet.',
    limited: 'The todo API takes no more todos at the moment.',
  },
  repeated: [429, ...UNAVAILABLE],
  timeOf: 'request',
  times: { total: 180_000, attempt: 60_000, absent: 15_000, notice: 5_000, pause: 500 },
};

/** A long import outlives its access token, and auth may restart just then. */
export const FOR_AUTH_OF_IMPORT: Patience = { ...FOR_TODO_API, notice: AUTH_NOTICE };

/** The codes of failures to connect because nothing has that name or listens there. */
const ABSENT: ReadonlySet<unknown> = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN']);

/** The codes of other failures to connect. The request was not sent. */
const UNREACHABLE: ReadonlySet<unknown> = new Set(['EHOSTUNREACH', 'ENETUNREACH', 'UND_ERR_CONNECT_TIMEOUT']);

/** The codes of failures after which the request may have been carried out. */
const LOST: ReadonlySet<unknown> = new Set([
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'UND_ERR_SOCKET',
  'UND_ERR_HEADERS_TIMEOUT',
]);

/**
 * Repeating one of these requests would create a second client, secret or one-time link, or report a deleted client as
 * unknown. Only the end of the path is compared, because `AUTH_URL` can have a path.
 */
const NOT_REPEATABLE =
  /^(POST .*\/admin\/(clients|clients\/[^/]+\/secrets|invitations|users\/[^/]+\/recoveries)|DELETE .*)$/;

/**
 * Creates the `fetch` of one command. Without other patience it is that of an administrator, who needs it most when auth is
 * slow: it waits up to 30 seconds in all, longer than a service would, and repeats a request that got no response or 502, 503
 * or 504. A request whose repetition would have another effect is repeated only while it cannot be sent. The `signal` of a
 * request is ignored.
 * @param notify writes a line for the user.
 */
export function createPatientFetch({
  notify,
  patience = FOR_AUTH,
  times: { total, attempt, absent, notice, pause } = patience.times,
}: {
  notify: (text: string) => void;
  patience?: Patience;
  times?: Times;
}): typeof fetch {
  const commandBegan = Date.now();
  let isNotified = false;
  let isLimited = false;

  return async function patientFetch(input, init) {
    const request = new Request(input, init);
    // a request that waits for the resource servers has its time for itself, and its user knows that it waits
    const prefersToWait = request.headers.has('prefer');
    const began = prefersToWait || patience.timeOf === 'request' ? Date.now() : commandBegan;
    const deadline = began + total;
    // an attempt at the very end would fail with a timeout instead of the reason that auth gave before
    const lastBegin = began + 0.9 * total;
    const isRepeatable = !prefersToWait && !NOT_REPEATABLE.test(`${request.method} ${new URL(request.url).pathname}`);
    const noticeTimer = setTimeout(sayThatItWaits, Math.max(0, began + notice - Date.now()));
    if (prefersToWait) clearTimeout(noticeTimer);
    const absentUntil = Math.min(lastBegin, Date.now() + absent);
    try {
      for (;;) {
        const remaining = Math.max(1, deadline - Date.now());
        const signal = AbortSignal.timeout(isRepeatable ? Math.min(attempt, remaining) : remaining);
        const outcome = await fetch(input, { ...init, signal }).catch((error: unknown) => ({ error }));
        isLimited = outcome instanceof Response && outcome.status === 429;
        const retryUntil = findRetryEnd(outcome);
        const wait = outcome instanceof Response ? Math.max(pause, readRetryAfterMs(outcome)) : pause;
        if (Date.now() + wait < retryUntil) {
          await delay(wait);
          continue;
        }
        if (outcome instanceof Response) return outcome;
        if (isRepeatable || prefersToWait || !wasLost(outcome.error)) throw outcome.error;
        throw new UnknownOutcomeError(outcome.error);
      }
    } finally {
      clearTimeout(noticeTimer);
    }

    /** Until when the request is repeated after this outcome: 0 for not at all. */
    function findRetryEnd(outcome: Response | { error: unknown }): number {
      if (outcome instanceof Response)
        return isRepeatable && patience.repeated.includes(outcome.status) ? lastBegin : 0;
      const code = codeOf(outcome.error);
      if (ABSENT.has(code)) return absentUntil;
      return UNREACHABLE.has(code) || (isRepeatable && wasLost(outcome.error)) ? lastBegin : 0;
    }
  };

  function sayThatItWaits(): void {
    if (isNotified) return;
    isNotified = true;
    notify(
      `${isLimited ? patience.notice.limited : patience.notice.unanswered} Waiting up to ${total / 1000} seconds …`,
    );
  }
}

/** The milliseconds of `Retry-After`, or 0 if it names no seconds. */
function readRetryAfterMs({ headers }: Response): number {
  return Number(headers.get('retry-after')) * 1000 || 0;
}

/** auth did not answer a request that must not be repeated. */
class UnknownOutcomeError extends Error {
  override readonly name = 'UnknownOutcomeError';

  constructor(cause: unknown) {
    super(
      'The authorization server did not answer, but may have carried out the command. Run `audit` to see whether it did.',
      { cause },
    );
  }
}

/** Whether a request may have been carried out, but has no response. */
function wasLost(error: unknown): boolean {
  return LOST.has(codeOf(error)) || (error instanceof Error && error.name === 'TimeoutError');
}

/** The code of the system error that `fetch` names as its cause. */
function codeOf(error: unknown): unknown {
  return error instanceof Error && error.cause instanceof Error && 'code' in error.cause ? error.cause.code : undefined;
}
