import type { Outcome } from './compare.ts';
import type { Comparison } from './comparisons.ts';
import type { StartUp } from './measure-start-ups.ts';

/** A row of the table: the name of the measurement, and the other cells by the names of their columns. */
export type Row = Readonly<Partial<Record<(typeof COLUMNS)[number], string>>>;

export const COLUMNS = ['', 'yata', 'baseline', 'ratio', 'spread', 'best', 'target', 'p99 ms', 'CPU µs'] as const;

/** Renders a table as text. Each column is as wide as its widest cell. */
export function renderTable<Column extends string>(
  columns: readonly Column[],
  rows: readonly Readonly<Partial<Record<Column, string>>>[],
): string {
  const lines = [columns, ...rows.map((row) => columns.map((column) => row[column] ?? ''))];
  const widths = columns.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** Creates the row of a comparison. In a cell with two figures the first is of yata and the second of the baseline. */
export function comparisonRow(
  name: string,
  { target }: Comparison,
  { yata, baseline, ratio, spread, bestRatio }: Outcome,
): Row {
  return {
    '': name,
    yata: `${whole(yata.perSecond)}/s`,
    baseline: `${whole(baseline.perSecond)}/s`,
    ratio: ratio.toFixed(2),
    spread: spread.map((end) => end.toFixed(2)).join('–'),
    best: bestRatio.toFixed(2),
    target: target === undefined ? '' : `≥ ${target}${verdict(ratio >= target)}`,
    'p99 ms': `${whole(yata.p99)} / ${whole(baseline.p99)}`,
    'CPU µs': `${whole(yata.cpuPerRequest)} / ${whole(baseline.cpuPerRequest)}`,
  };
}

/** Creates the rows of a start: its time, and the resident memory a second later. */
export function startUpRows(
  name: string,
  { milliseconds, residentMegabytes }: StartUp,
  { limitMs, limitMegabytes }: { limitMs: number; limitMegabytes: number },
): Row[] {
  return [
    limitRow(`${name}, time`, milliseconds, limitMs, 'ms'),
    ...(residentMegabytes === undefined ? [] : [limitRow(`${name}, memory`, residentMegabytes, limitMegabytes, 'MB')]),
  ];
}

function limitRow(name: string, value: number, limit: number, unit: string): Row {
  const target = `≤ ${whole(limit)} ${unit}${verdict(value <= limit)}`;
  return { '': name, yata: `${whole(value)} ${unit}`, target };
}

function verdict(met: boolean): string {
  return met ? '' : ' MISSED';
}

function whole(value: number): string {
  return Math.round(value).toLocaleString('en');
}
