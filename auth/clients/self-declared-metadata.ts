import * as z from 'zod';
import { isAllowedRedirectUri, REDIRECT_URI } from './redirect-uri.ts';

const MAX_NAME_LENGTH = 200;
const MAX_URI_LENGTH = 500;
const MAX_REDIRECT_URIS = 10;

const CLIENT_NAME = `a name of at most ${MAX_NAME_LENGTH} characters, without control and format characters`;
const CLIENT_URI = `an https or http URL of at most ${MAX_URI_LENGTH} characters`;

/** Control and format characters, among them those that change the direction of text, lone surrogates, and line separators. */
const FORBIDDEN_IN_NAME = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u;

/** A name that a client gives itself. A person reads it, so it has no invisible characters. */
export const SelfDeclaredName = z
  .string(CLIENT_NAME)
  .max(MAX_NAME_LENGTH, CLIENT_NAME)
  .refine((name) => !FORBIDDEN_IN_NAME.test(name), CLIENT_NAME);

/** The page of a client. Anything but an http or https URL counts as absent: it is a text for a person, nothing more. */
export const SelfDeclaredUri = z
  .string(CLIENT_URI)
  .max(MAX_URI_LENGTH, CLIENT_URI)
  .transform((uri) => (/^https?:\/\//.test(uri) && URL.canParse(uri) ? new URL(uri).href : undefined));

/**
 * Redirect URIs. Those with a private-use scheme, such as `cursor://`, are left out: any program can take such a link (RFC
 * 8252 §8.6), and MCP allows only https and loopback. At least one has to remain.
 */
export const RedirectUris = z
  .array(z.string(REDIRECT_URI), `a list of redirect URIs, each ${REDIRECT_URI}`)
  .max(MAX_REDIRECT_URIS, `at most ${MAX_REDIRECT_URIS} redirect URIs`)
  .transform((uris) => [...new Set(uris.filter((uri) => !hasPrivateUseScheme(uri)))])
  .pipe(
    z
      .array(z.string().refine(isAllowedRedirectUri, REDIRECT_URI))
      .min(1, `at least one redirect URI that is ${REDIRECT_URI}`),
  );

/** `cursor:`, `com.example.app:`. A scheme that a browser itself handles is not one, so it is rejected. */
function hasPrivateUseScheme(uri: string): boolean {
  const [, scheme = ''] = /^([a-z][a-z0-9+.-]*):/i.exec(uri) ?? [];
  return scheme !== '' && !BROWSER_SCHEMES.test(scheme);
}

const BROWSER_SCHEMES =
  /^(https?|wss?|ftp|javascript|vbscript|data|blob|file|filesystem|about|view-source|intent|ms-.*|search-ms|shell|chrome.*|mailto|tel)$/i;
