/**
 * Where the metadata of a client comes from: an administrator (`registered`), the client itself by RFC 7591 (`dynamic`), or
 * a client ID metadata document (`document`). Only a registered client is trusted. This file does not import the ORM, because
 * the command line loads it.
 */
export const CLIENT_KINDS = ['registered', 'dynamic', 'document'] as const;
