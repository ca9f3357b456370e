import { existsSync } from 'node:fs';
import { apiDatabase } from '../../api/database/definition.ts';
import { authDatabase } from '../../auth/database/definition.ts';
import { embeddedDatabaseFolder, openEmbeddedDatabase } from '../../shared/database/database.ts';
import { isDatabaseUnavailable } from '../../shared/database/database-unavailable.ts';
import type { CommandContext, CommandResult } from '../command-line/command.ts';
import { readSource, type Source } from './embedded-source.ts';
import { type Digest, digest, forEachPart } from './pages.ts';
import { type MoveSettings, readMoveSettings, variableOf } from './read-move-settings.ts';
import { beginMove, checkTarget, createTables, finishTables, openTarget, type Target } from './target.ts';
import { MOVE_TEXTS, type MovedTables } from './texts.ts';

/** Every schema of yata. */
const DEFINITIONS = [authDatabase, apiDatabase];

/** Moves everything from the embedded database to PostgreSQL. */
export async function move(to: string | undefined, context: CommandContext): Promise<CommandResult> {
  const settings = readMoveSettings(to, context);
  const folder = embeddedDatabaseFolder(settings.dataDirectory);
  // to open it would create it
  if (!existsSync(folder)) throw new Error(MOVE_TEXTS.noSource(folder));
  const started = performance.now();
  await using database = await openEmbeddedDatabase(settings.dataDirectory);
  const { tables, variables } = await readSource(database, DEFINITIONS, async (source) => ({
    tables: await moveTo(source, settings, context.showProgress),
    variables: source.definitions.map(({ schema }) => variableOf(schema)),
  })).finally(() => context.showProgress?.(''));
  const seconds = Math.round((performance.now() - started) / 1000);
  return {
    json: { rows: tables.reduce((sum, { rows }) => sum + rows, 0), seconds, tables },
    text: [MOVE_TEXTS.moved(tables, seconds), MOVE_TEXTS.next(folder, variables)].join('\n\n'),
  };
}

async function moveTo(
  source: Source,
  settings: MoveSettings,
  showProgress: CommandContext['showProgress'],
): Promise<MovedTables> {
  await using opened = new AsyncDisposableStack();
  const targets: Target[] = [];
  for (const destination of groupByUrl(source, settings)) targets.push(opened.use(await openTarget(destination)));
  // all of them before the first change of any
  for (const target of targets) await checkTarget(target);
  for (const target of targets) await createTables(target);
  for (const target of targets) await beginMove(target, source);
  const total = source.tables.reduce((sum, { rows }) => sum + rows, 0);
  const report = (text: typeof MOVE_TEXTS.copying) => {
    let done = 0;
    return async (rows: number) => {
      done += rows;
      showProgress?.(text(done, total));
      for (const target of targets) await target.keepAlive();
    };
  };
  const copied = report(MOVE_TEXTS.copying);
  const verified = report(MOVE_TEXTS.verifying);
  for (const target of targets) {
    try {
      const digests = await copyTables(source, target, copied);
      await finishTables(target, source);
      await verifyTables(source, target, digests, verified);
    } catch (cause) {
      throw new Error(MOVE_TEXTS.failed(target.variable), { cause });
    }
  }
  await commit(targets);
  return source.tables.map(({ name, rows }) => ({ table: name, rows }));
}

/** One connection for each database, so that all that moves there is one transaction. */
function groupByUrl({ definitions }: Source, { destinationOf }: MoveSettings) {
  const destinations = definitions.map((definition) => ({ definition, ...destinationOf(definition.schema) }));
  return [...Map.groupBy(destinations, ({ url }) => url)].map(([url, group]) => ({
    url,
    variable: [...new Set(group.map(({ variable }) => variable))].join(', '),
    definitions: group.map(({ definition }) => definition),
  }));
}

async function copyTables(
  source: Source,
  target: Target,
  report: (rows: number) => Promise<void>,
): Promise<ReadonlyMap<string, Digest>> {
  const digests = new Map<string, Digest>();
  for (const table of source.tables.filter(target.has)) {
    let [rows, sum] = [0, 0n];
    await forEachPart(source.query, table, async (pages) => {
      const [part, bytes] = [await digest(source.query, table, pages), await source.readRows(table, pages)];
      await target.writeRows(table, bytes);
      rows += part.rows;
      sum += part.sum;
      await report(part.rows);
      return bytes.length;
    });
    digests.set(table.name, { rows, sum });
  }
  return digests;
}

/** Compares what the target has now with the digests of the source, and with the number of rows that the source counted. */
async function verifyTables(
  source: Source,
  target: Target,
  digests: ReadonlyMap<string, Digest>,
  report: (rows: number) => Promise<void>,
): Promise<void> {
  for (const table of source.tables.filter(target.has)) {
    let [rows, sum] = [0, 0n];
    await forEachPart(target.query, table, async (pages) => {
      const part = await digest(target.query, table, pages);
      rows += part.rows;
      sum += part.sum;
      await report(part.rows);
      return part.bytes;
    });
    const expected = digests.get(table.name);
    if (rows !== table.rows || expected?.rows !== rows || expected.sum !== sum)
      throw new Error(MOVE_TEXTS.notVerified(target.variable, table.name, table.rows, rows));
  }
}

async function commit(targets: readonly Target[]): Promise<void> {
  let committed: Target | undefined;
  for (const target of targets) {
    try {
      await target.query('commit');
      committed = target;
    } catch (cause) {
      if (committed !== undefined)
        throw new Error(MOVE_TEXTS.halfCommitted(committed.variable, target.variable), { cause });
      const isUnknown = isDatabaseUnavailable(cause);
      throw new Error(isUnknown ? MOVE_TEXTS.unknownOutcome(target.variable) : MOVE_TEXTS.failed(target.variable), {
        cause,
      });
    }
  }
}
