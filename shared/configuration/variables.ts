import * as z from 'zod';
import type { Environment } from './environment.ts';

const PORT_NUMBER = 'a port number, 1 to 65535';

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

/** A PostgreSQL connection URL; absent means the embedded database. */
export const databaseUrl = z.string().refine(isDatabaseUrl, 'a postgresql:// URL').optional();

/** An address to connect to. It identifies nobody, so plain http is for the operator to judge. */
export const httpUrl = z.url({ protocol: /^https?$/, message: 'an http or https URL' }).transform(withoutTrailingSlash);

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

function withoutTrailingSlash(url: string): string {
  const { href } = new URL(url);
  return href.endsWith('/') ? href.slice(0, -1) : href;
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname);
}
