import type { Comparison, Server } from './comparisons.ts';
import type { Pin } from './find-pin.ts';
import type { LoadRequest } from './load-request.ts';
import { type Contestant, startContestant } from './start-contestant.ts';
import { type Load, type LoadResult, startLoad } from './start-load.ts';
import { median } from './statistics.ts';

/** How often both are started, the pairs of rounds after each start, and what a round and the warm-up before them take. */
const STARTS = 5;
const ROUNDS = 2;
const ROUND_SECONDS = 1;
const WARM_UP_SECONDS = 3;

/** A contestant's medians. */
type Figures = { readonly perSecond: number; readonly p99: number; readonly cpuPerRequest: number };

/**
 * `ratio` is the median of the ratios of paired rounds, the smallest and the largest of which are `spread`. `bestRatio` is
 * that of each one's best round: others on the machine only ever slow a round down.
 */
export type Outcome = {
  readonly yata: Figures;
  readonly baseline: Figures;
  readonly ratio: number;
  readonly spread: readonly [number, number];
  readonly bestRatio: number;
};

/**
 * Loads yata and the baseline in turn, and compares each round with the one beside it: what slows the machine for a while
 * slows both. Both are started more than once: how the compiler and the memory happened to fall out for one process stays
 * with it, and is no difference between the two.
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

/** Starts both, warms them up, and loads them in turn. */
async function runPairs(
  comparison: Comparison,
  { environment, pin, load }: { environment: NodeJS.ProcessEnv; pin: Pin; load: Load },
): Promise<Pair[]> {
  const start = ([script, ...args]: Server) => startContestant({ script, args, environment, pin });
  await using yata = await start(comparison.yata);
  await using baseline = await start(comparison.baseline);
  await requireSameAnswer(yata.request, baseline.request);

  for (const { request } of [yata, baseline]) await load.run(request, WARM_UP_SECONDS);
  const pairs: Pair[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    // who goes first changes, so that a machine that gets steadily slower or faster favours nobody
    if (round % 2 === 0) pairs.push({ yata: await runRound(yata, load), baseline: await runRound(baseline, load) });
    else pairs.push({ baseline: await runRound(baseline, load), yata: await runRound(yata, load) });
  }
  return pairs;
}

async function runRound(contestant: Contestant, load: Load): Promise<Round> {
  const before = await contestant.cpuMicroseconds();
  const result = await load.run(contestant.request, ROUND_SECONDS);
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

/** A comparison of different work says nothing: the answers must be alike in all but the values. */
async function requireSameAnswer(yata: LoadRequest, baseline: LoadRequest): Promise<void> {
  const [ours, theirs] = [await shapeOfAnswer(yata), await shapeOfAnswer(baseline)];
  if (ours !== theirs) throw new Error(`the answers differ:\n  yata      ${ours}\n  baseline  ${theirs}`);
}

async function shapeOfAnswer({ url, method, headers, body }: LoadRequest): Promise<string> {
  const response = await fetch(url, { method, headers, ...(body !== '' && { body }) });
  const answer: unknown = await response.json();
  const shape = JSON.stringify(answer, (_key, value) => (typeof value === 'object' ? value : typeof value));
  return `${response.status} ${shape}`;
}
