import { resolve } from 'node:path';
import * as z from 'zod';
import { InvalidDatabaseUrlError, parseDatabaseUrl } from '../database/database-url.ts';
import { MIGRATIONS } from '../database/migration-modes.ts';
import type { CorsOrigins } from '../http/cors.ts';
import { parseTrustedProxies } from '../http/trusted-proxies.ts';
import type { Environment } from './environment.ts';

const PORT_NUMBER = 'a port number, 1 to 65535';
const PROXIES =
  'addresses, networks such as 10.0.0.0/8, or loopback, linklocal, uniquelocal, separated by spaces or commas';
const RATIO = 'a number from 0 to 1, such as 0.1';
const HEADERS = 'name=value pairs, separated by commas, with % escapes in the values';
const ORIGINS = '* or origins such as https://app.example.com, separated by spaces or commas';

/**
 * The issuer and the two resource identifiers (RFC 8414 §2, RFC 8707 §2). They are compared exactly everywhere, so each is
 * normalized: an absolute URL without query, fragment or trailing slash.
 */
export function identifiers(environment: Environment) {
  const identifier = identifierSchema(environment);
  return {
    /** The issuer of access tokens, an origin without a path: auth's address as its clients see it. */
    AUTH_ISSUER: identifier
      .refine((value) => new URL(value).pathname === '/', 'a URL without a path')
      .default(`http://localhost:${environment.AUTH_PORT || 3000}`),
    /** The todo API as its clients see it, and the audience of its access tokens. */
    API_RESOURCE: identifier.default(`http://localhost:${environment.API_PORT || 3001}/api/v1`),
    /** The MCP server as its clients see it, and the audience of its access tokens. */
    MCP_RESOURCE: identifier.default(`http://localhost:${environment.MCP_PORT || 3002}/mcp`),
    /** `true` allows http for the three above on hosts other than loopback. */
    ALLOW_INSECURE_HTTP: z.enum(['true', 'false'], 'true or false').default('false'),
  };
}

/** An address to connect to. It is not an identifier, so the operator decides whether it may be http. */
export const httpUrl = z.url({ protocol: /^https?$/, message: 'an http or https URL' }).transform(withoutTrailingSlash);

/** The variables of every process. */
export const processVariables = {
  /** The address to listen on. */
  HOST: z.string().default('127.0.0.1'),
  /** For how many seconds a connection stays open after a response. */
  HTTP_KEEP_ALIVE: wholeNumber('seconds', 1, 3_600).default(65),
  /** For how many seconds a process goes on after SIGTERM, while it reports that it is not ready. */
  SHUTDOWN_DELAY: wholeNumber('seconds', 0, 300).default(5),
  /** The lowest level that is logged. */
  LOG_LEVEL: z
    .enum(['silent', 'fatal', 'error', 'warn', 'info', 'debug'], 'silent, fatal, error, warn, info or debug')
    .default('info'),
  /** The collector to which traces are sent (OTLP over HTTP), without /v1/traces; absent: nothing is traced. */
  OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl.optional(),
  /** Headers for the collector, such as one with a key. */
  OTEL_EXPORTER_OTLP_HEADERS: z.string().transform(parseHeaders).optional(),
  /** The part of the traces that are recorded. */
  OTEL_TRACES_SAMPLER_ARG: z.coerce.number(RATIO).min(0, RATIO).max(1, RATIO).default(1),
};

/**
 * The folder of the embedded database, the key encryption key and the first clients' credentials. The default is in the
 * folder of yata, so that a command finds it from every working directory.
 */
export const dataDirectory = z.string().default(resolve(import.meta.dirname, '../../data'));

/** A TCP port. 0 is rejected: the identifiers follow from the ports, so the port must be known. */
export const port = z.coerce.number(PORT_NUMBER).int(PORT_NUMBER).min(1, PORT_NUMBER).max(65_535, PORT_NUMBER);

/** A whole number of `unit`, from `min` to `max`. */
export function wholeNumber(unit: string, min: number, max: number) {
  const expected = `${unit}, ${min} to ${max}`;
  return z.coerce.number(expected).int(expected).min(min, expected).max(max, expected);
}

/** Parses headers as OpenTelemetry writes them in a variable: `name=value`, separated by commas, with percent escapes. */
function parseHeaders(value: string, refinement: z.RefinementCtx): Readonly<Record<string, string>> {
  const pairs = value.split(',').map((pair) => /^\s*([\w-]+)=(.*?)\s*$/.exec(pair));
  try {
    return Object.fromEntries(pairs.map((pair) => [pair?.[1] ?? '', decodeURIComponent(pair?.[2] ?? '%')]));
  } catch {
    refinement.addIssue(HEADERS);
    return z.NEVER;
  }
}

/** Splits a list at spaces and commas. */
function listed(value: string): string[] {
  return value.trim().split(/[\s,]+/);
}

/** A PostgreSQL connection URL; absent means the embedded database. */
export const databaseUrl = z.string().superRefine(checkDatabaseUrl).optional();

/** The databases of auth and api, for programs that work on either or both. */
export const databaseUrls = { AUTH_DATABASE_URL: databaseUrl, API_DATABASE_URL: databaseUrl };

/** Who runs the migrations of a PostgreSQL database: each process at its start, or a job for which it waits. */
export const migrations = z.enum(MIGRATIONS, MIGRATIONS.join(' or ')).default('start');

/** The client of the authorization server as which a process requests access tokens. */
export const clientVariables = {
  OAUTH_CLIENT_ID: z.string('the id of a client'),
  OAUTH_CLIENT_SECRET: z.string('the secret of that client'),
  /** The only token endpoint to which the secret may be sent; absent: the one in the authorization server metadata. */
  OAUTH_TOKEN_URL: httpUrl.optional(),
};

/** The rate limit of the resource servers. */
export const rateLimitVariables = {
  /** Points that each subject may use per minute. An ordinary request costs one. */
  API_RATE_LIMIT: wholeNumber('points', 1, 1_000_000_000).default(3000),
  /** The database in which all processes count points together; absent: each process counts alone. */
  RATE_LIMIT_URL: z
    .string()
    .superRefine((value, refinement) => {
      if (/^postgres(ql)?:/.test(value)) checkDatabaseUrl(value, refinement);
      else if (!isUrl(value, ['redis:', 'rediss:'])) refinement.addIssue('a postgresql:// or redis:// URL');
    })
    .optional(),
};

/** The origins whose pages may read the responses, separated by spaces or commas, or `*` for all; absent means none. */
export const corsOrigins = z
  .string()
  .refine((value) => value.trim() === '*' || listed(value).every(isOrigin), ORIGINS)
  .transform((value): CorsOrigins => (value.trim() === '*' ? '*' : new Set(listed(value).map(originOf))))
  .optional();

/** Hosts, each with or without a port, separated by spaces or commas; absent means none. */
export const hosts = z
  .string()
  .transform(listed)
  .refine((list) => list.every(isHost), 'hosts such as mcp.example or mcp:3002, separated by commas')
  .optional();

function isHost(text: string): boolean {
  return /^[^\s/@?#\\]+$/.test(text) && URL.canParse(`http://${text}`);
}

/** The reverse proxies in front of a service, separated by spaces or commas; absent means that none is trusted. */
export const trustedProxies = z
  .string()
  .transform((value, refinement) => {
    try {
      return parseTrustedProxies(listed(value));
    } catch {
      refinement.addIssue(PROXIES);
      return z.NEVER;
    }
  })
  .optional();

/** An issuer or resource identifier: https, or http on loopback, or http where ALLOW_INSECURE_HTTP is `true`. */
export function identifierSchema(environment: Environment) {
  const allowInsecureHttp = environment.ALLOW_INSECURE_HTTP === 'true';
  return httpUrl
    .refine((value) => !/[?#]/.test(value), 'a URL without query and fragment')
    .refine((value) => !/^https?:\/\/[^/]*@/.test(value), 'a URL without a user name and a password')
    .refine(
      (value) => allowInsecureHttp || value.startsWith('https:') || isLoopback(new URL(value).hostname),
      'an https URL (http is for localhost, or with ALLOW_INSECURE_HTTP=true)',
    );
}

function checkDatabaseUrl(value: string, refinement: z.RefinementCtx): void {
  try {
    parseDatabaseUrl(value);
  } catch (error) {
    if (!(error instanceof InvalidDatabaseUrlError)) throw error;
    refinement.addIssue(error.expected);
  }
}

function isUrl(value: string, protocols: readonly string[]): boolean {
  try {
    const { protocol, username, password, hostname, pathname } = new URL(value);
    // the driver decodes each part, and would throw on a malformed one
    for (const part of [username, password, hostname, pathname]) decodeURIComponent(part);
    return protocols.includes(protocol);
  } catch {
    return false;
  }
}

function isOrigin(value: string): boolean {
  // no * in a host: origins are compared exactly, so it would match nothing
  return /^https?:\/\/[^/?#@\\*]+$/i.test(value) && URL.canParse(value);
}

/** An origin as browsers send it: lower case, without the default port. */
function originOf(value: string): string {
  return new URL(value).origin;
}

function withoutTrailingSlash(url: string): string {
  const { href } = new URL(url);
  return href.endsWith('/') ? href.slice(0, -1) : href;
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname);
}
