import * as z from 'zod';
import type { CorsOrigins } from '../http/cors.ts';
import type { Environment } from './environment.ts';

const PORT_NUMBER = 'a port number, 1 to 65535';
const ORIGINS = '* or origins, such as https://app.example.com, with spaces or commas between';

/**
 * Who everybody is: the issuer and the two resource identifiers (RFC 8414 §2, RFC 8707 §2). They are compared to the
 * letter everywhere, so each is kept in one form: an absolute URL without query, fragment or trailing slash.
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
    /** `true` lets the three above be http on hosts other than this machine. */
    ALLOW_INSECURE_HTTP: z.enum(['true', 'false'], 'true or false').default('false'),
  };
}

/** What every process that serves HTTP or writes a log takes. */
export const processVariables = {
  /** The address to listen on. */
  HOST: z.string().default('127.0.0.1'),
  /** The least severe level that is written to the log. */
  LOG_LEVEL: z
    .enum(['silent', 'fatal', 'error', 'warn', 'info', 'debug'], 'silent, fatal, error, warn, info or debug')
    .default('info'),
};

/** The folder of the embedded database, the generated key and the first clients' credentials. */
export const dataDirectory = z.string().default('data');

/** A TCP port. 0 is none: nobody would know where the system put it, and the identifiers follow the ports. */
export const port = z.coerce.number(PORT_NUMBER).int(PORT_NUMBER).min(1, PORT_NUMBER).max(65_535, PORT_NUMBER);

/** The items of a list with spaces or commas between. */
export function listed(value: string): string[] {
  return value.trim().split(/[\s,]+/);
}

/** A PostgreSQL connection URL; absent means the embedded database. */
export const databaseUrl = z.string().refine(isDatabaseUrl, 'a postgresql:// URL').optional();

/** An address to connect to. It identifies nobody, so plain http is for the operator to judge. */
export const httpUrl = z.url({ protocol: /^https?$/, message: 'an http or https URL' }).transform(withoutTrailingSlash);

/** The origins whose pages may read the answers, with spaces or commas between, or `*` for all; absent means none. */
export const corsOrigins = z
  .string()
  .refine((value) => value.trim() === '*' || listed(value).every(isOrigin), ORIGINS)
  .transform((value): CorsOrigins => (value.trim() === '*' ? '*' : new Set(listed(value).map(originOf))))
  .optional();

/** An issuer or a resource identifier: https, or http on this machine, or http that the environment allows. */
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

function isDatabaseUrl(value: string): boolean {
  try {
    const { protocol, username, password, hostname, pathname } = new URL(value);
    // the driver decodes each of them
    for (const part of [username, password, hostname, pathname]) decodeURIComponent(part);
    return protocol === 'postgresql:' || protocol === 'postgres:';
  } catch {
    return false;
  }
}

function isOrigin(value: string): boolean {
  // no * in a host: it would match nothing, for origins are compared exactly
  return /^https?:\/\/[^/?#@\\*]+$/i.test(value) && URL.canParse(value);
}

/** An origin as browsers write it: in small letters, without the port that its scheme implies. */
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
