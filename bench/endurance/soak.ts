import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { startEnduringLoad } from '../../test/support/enduring-load.ts';
import { renderTable } from '../table.ts';
import { describeProgress, describeVerdict } from './describe.ts';
import { countWarnings, INSTANCES, openInstallation } from './installation.ts';
import { type Sample, takeSample } from './sample.ts';

/** Short, so that leases, lists and tokens come to their end many times. */
const ACCESS_TOKEN_TTL_SECONDS = 30;

/** While nothing fails, an acknowledged revocation has reached every process after this time, also on a busy machine. */
const SETTLED_AFTER_MS = 2_000;

const MINUTE_MS = 60_000;

/** In the first minutes code is compiled, and pools and heaps grow to their size. They are in no quarter. */
const WARM_UP_MINUTES = 3;

const COLUMNS = ['figure', 'first quarter', 'last quarter', 'difference', 'most'] as const;

/**
 * Runs a mixed load for `minutes`, or until it is interrupted, and takes a sample every minute, which `file` keeps as a line of JSON.
 * Returns whether no request failed, no revoked token was accepted and no write was lost.
 */
export async function soak({
  minutes,
  file,
  print,
}: {
  minutes: number;
  file: string;
  print: (line: string) => void;
}): Promise<boolean> {
  const interrupted = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupted.abort());
  await using installation = await openInstallation({
    variables: { ACCESS_TOKEN_TTL: String(ACCESS_TOKEN_TTL_SECONDS) },
  });
  writeFileSync(file, '');
  const load = await startEnduringLoad(installation, {
    tokenLifetime: ACCESS_TOKEN_TTL_SECONDS,
    instances: INSTANCES,
    settledAfterMs: SETTLED_AFTER_MS,
  });
  const [startedAt, loadedAt] = [performance.now(), Date.now()];
  for (let minute = 1; minute <= minutes && !interrupted.signal.aborted; minute += 1) {
    const remaining = startedAt + minute * MINUTE_MS - performance.now();
    await delay(remaining, undefined, { signal: interrupted.signal }).catch(() => undefined);
    const sample = await takeSample(installation);
    const { failures, wronglyAccepted } = load.progress;
    appendFileSync(file, `${JSON.stringify({ ...sample, failures: Object.fromEntries(failures), wronglyAccepted })}\n`);
    if (minute % 10 === 0)
      for (const line of [`after ${minute} minutes:`, ...describeProgress(load.progress)]) print(line);
  }
  const verdict = await load.stop();
  const minutesRun = (performance.now() - startedAt) / MINUTE_MS;
  print(`${minutesRun.toFixed(1)} minutes, ACCESS_TOKEN_TTL=${ACCESS_TOKEN_TTL_SECONDS}`);
  for (const line of [...describeProgress(verdict), ...describeVerdict(verdict)]) print(line);
  for (const [event, { count, first }] of countWarnings(installation, loadedAt))
    print(`warning: ${count} × ${event}, first ${first}`);
  print(`\n${describeSamples(file)}`);
  const { failures, wronglyAccepted, lost, feedProblems } = verdict;
  return failures.size + wronglyAccepted.length + lost.length + feedProblems.length === 0;
}

/** Compares the first quarter of the samples in a file with the last. */
export function describeSamples(file: string): string {
  const samples = readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line): Sample => JSON.parse(line))
    .slice(WARM_UP_MINUTES);
  const size = Math.max(1, Math.floor(samples.length / 4));
  const [first, last] = [samples.slice(0, size), samples.slice(-size)];
  const names = [...new Set(samples.flatMap(({ figures }) => Object.keys(figures)))];
  const rows = names.map((figure) => {
    const [before, after] = [mean(first, figure), mean(last, figure)];
    return {
      figure,
      'first quarter': format(before),
      'last quarter': format(after),
      difference: before === 0 ? '' : `${(((after - before) / before) * 100).toFixed(0)} %`,
      most: format(Math.max(...samples.map(({ figures }) => figures[figure] ?? 0))),
    };
  });
  return renderTable(COLUMNS, rows);
}

function mean(samples: readonly Sample[], figure: string): number {
  return samples.reduce((sum, { figures }) => sum + (figures[figure] ?? 0), 0) / samples.length;
}

function format(value: number): string {
  return value.toLocaleString('en', { maximumFractionDigits: value < 100 ? 1 : 0 });
}
