import * as z from 'zod';
import { readEnvironment, resolveEnvironment } from '../../shared/configuration/environment.ts';
import { databaseUrls, dataDirectory } from '../../shared/configuration/variables.ts';
import { InvalidDatabaseUrlError, parseDatabaseUrl } from '../../shared/database/database-url.ts';
import { type CommandContext, UsageError } from '../command-line/command.ts';
import { MOVE_TEXTS } from './texts.ts';

/** Where a schema moves, and which option or variable says so. */
type Destination = { readonly variable: string; readonly url: string };

export type MoveSettings = {
  readonly dataDirectory: string;
  /** @throws {Error} when nothing says where the schema moves. */
  readonly destinationOf: (schema: string) => Destination;
};

/** Reads where the embedded database is and where it moves. @throws {UsageError} @throws {InvalidConfigurationError} */
export function readMoveSettings(
  to: string | undefined,
  { environment, readStdin }: Pick<CommandContext, 'environment' | 'readStdin'>,
): MoveSettings {
  const given = to === '-' ? readStdin().trim() : to;
  if (given === '') throw new UsageError(MOVE_TEXTS.emptyUrl());
  if (given !== undefined) checkUrl(given);
  const { YATA_DATA_DIR, ...urls } = readEnvironment(
    z.object({ YATA_DATA_DIR: dataDirectory, ...databaseUrls }),
    resolveEnvironment(environment),
  );
  if (given === undefined && urls.AUTH_DATABASE_URL === undefined && urls.API_DATABASE_URL === undefined)
    throw new UsageError(MOVE_TEXTS.noTarget());
  const variables: Readonly<Record<string, string | undefined>> = urls;
  return {
    dataDirectory: YATA_DATA_DIR,
    destinationOf(schema) {
      if (given !== undefined) return { variable: '--to', url: given };
      const variable = variableOf(schema);
      const url = variables[variable];
      if (url === undefined) throw new Error(MOVE_TEXTS.missingVariable(variable));
      return { variable, url };
    },
  };
}

/** The variable with which a service gets the URL of its database. */
export function variableOf(schema: string): string {
  return `${schema.toUpperCase()}_DATABASE_URL`;
}

function checkUrl(url: string): void {
  try {
    parseDatabaseUrl(url);
  } catch (error) {
    throw error instanceof InvalidDatabaseUrlError ? new UsageError(MOVE_TEXTS.invalidUrl(error.expected)) : error;
  }
}
