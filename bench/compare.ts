import type { Comparison, Server } from './comparisons.ts';
import type { Pin } from './find-pin.ts';
import { CONNECTIONS } from './load-request.ts';
import { type Contestant, startContestant } from './start-contestant.ts';
import { type Load, type LoadResult, startLoad } from './start-load.ts';
import { median } from './statistics.ts';

/** The number of times that both servers are started, and of the pairs of rounds after each start. */
const STARTS = 5;
const PAIRS_PER_START = 2;

const ROUND_SECONDS = 1;
const WARM_UP_SECONDS = 3;

/** The number of requests of a round if each body can be sent only once, and of the rounds that warm up. */
const ROUND_BODIES = 200;
const WARM_UP_ROUNDS = 5;

/** The medians of a contestant. `p99` is in milliseconds, `cpuPerRequest` in microseconds. */
type Figures = { readonly perSecond: number; readonly p99: number; readonly cpuPerRequest: number };

/**
 * The result of a comparison. `ratio` is the median of the ratios of paired rounds; `spread` is the smallest and the
 * largest of these ratios. `bestRatio` compares the best round of each, because other processes can only slow a round
 * down.
 */
export type Outcome = {
  readonly yata: Figures;
  readonly baseline: Figures;
  readonly ratio: number;
  readonly spread: readonly [number, number];
  readonly bestRatio: number;
};

/**
 * Loads yata and the baseline in turn, and compares each round with the round next to it, because something that slows
 * the machine for a while slows both. Both are started more than once: the compiler and the memory layout make some
 * processes faster than others for their whole life, and that is no difference between yata and the baseline.
 */
export async function compare(
  comparison: Comparison,
  { environment, pin }: { environment: NodeJS.ProcessEnv; pin: Pin },
): Promise<Outcome> {
  const pairs: Pair[] = [];
  await using load = await startLoad({ environment, pin });
  for (let start = 0; start < STARTS; start++) pairs.push(...(await runPairs(comparison, { environment, pin, load })));
  const ratios = pairs.map((pair) => pair.yata.perSecond / pair.baseline.perSecond);
  return {
    yata: figures(pairs.map((pair) => pair.yata)),
    baseline: figures(pairs.map((pair) => pair.baseline)),
    ratio: median(ratios),
    spread: [Math.min(...ratios), Math.max(...ratios)],
    bestRatio: best(pairs.map((pair) => pair.yata)) / best(pairs.map((pair) => pair.baseline)),
  };
}

type Round = LoadResult & { readonly cpuPerRequest: number };
type Pair = { readonly yata: Round; readonly baseline: Round };

/** Starts both servers, warms them up, and loads them in turn. */
async function runPairs(
  comparison: Comparison,
  { environment, pin, load }: { environment: NodeJS.ProcessEnv; pin: Pin; load: Load },
): Promise<Pair[]> {
  const start = ([script, ...args]: Server) => startContestant({ script, args, environment, pin });
  const { connections = CONNECTIONS } = comparison;
  await using yata = await start(comparison.yata);
  await using baseline = await start(comparison.baseline);
  await requireSameResponse(yata, baseline);

  // with many connections also if one is measured: it sends too few requests for the compiler to optimise both servers
  for (const contestant of [yata, baseline]) {
    const rounds = contestant.request.once ? WARM_UP_ROUNDS : 1;
    for (let round = 0; round < rounds; round++)
      await runRound(contestant, { load, connections: CONNECTIONS, seconds: WARM_UP_SECONDS });
  }
  const run = (contestant: Contestant) => runRound(contestant, { load, connections });
  const pairs: Pair[] = [];
  for (let round = 0; round < PAIRS_PER_START; round++) {
    // each goes first in turn, so that a machine that becomes slower or faster favours neither
    if (round % 2 === 0) pairs.push({ yata: await run(yata), baseline: await run(baseline) });
    else pairs.push({ baseline: await run(baseline), yata: await run(yata) });
  }
  return pairs;
}

async function runRound(
  contestant: Contestant,
  { load, connections, seconds = ROUND_SECONDS }: { load: Load; connections: number; seconds?: number },
): Promise<Round> {
  const bodies = contestant.request.once ? await contestant.prepare(ROUND_BODIES) : [];
  const before = await contestant.cpuMicroseconds();
  const result = await load.run(contestant.request, { seconds, bodies, connections });
  return { ...result, cpuPerRequest: ((await contestant.cpuMicroseconds()) - before) / result.requests };
}

function best(rounds: readonly Round[]): number {
  return Math.max(...rounds.map(({ perSecond }) => perSecond));
}

function figures(rounds: readonly Round[]): Figures {
  return {
    perSecond: median(rounds.map(({ perSecond }) => perSecond)),
    p99: median(rounds.map(({ p99 }) => p99)),
    cpuPerRequest: median(rounds.map(({ cpuPerRequest }) => cpuPerRequest)),
  };
}

/** @throws when the responses differ in more than their values, because different work cannot be compared. */
async function requireSameResponse(yata: Contestant, baseline: Contestant): Promise<void> {
  const [yataShape, baselineShape] = [await shapeOfResponse(yata), await shapeOfResponse(baseline)];
  if (yataShape !== baselineShape)
    throw new Error(`the responses differ:\n  yata      ${yataShape}\n  baseline  ${baselineShape}`);
}

async function shapeOfResponse({ request, prepare }: Contestant): Promise<string> {
  const { url, method, headers } = request;
  const requestBody = request.once ? (await prepare(1)).join() : request.body;
  const response = await fetch(url, { method, headers, ...(requestBody !== '' && { body: requestBody }) });
  // an event stream has the response in its only event
  const body: unknown = JSON.parse((await response.text()).replace(/^event: message\ndata: /, ''));
  const shape = JSON.stringify(body, (_key, value) => (typeof value === 'object' ? sortMembers(value) : typeof value));
  return `${response.status} ${shape}`;
}

/** The order of the members of an object means nothing. */
function sortMembers(value: object | null): object | null {
  if (value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).toSorted(([one], [other]) => (one < other ? -1 : 1)));
}
