import { domainToASCII } from 'node:url';
import type { ClientRecord } from '../clients/clients.ts';
import { isLoopbackHost } from '../clients/redirect-uri.ts';

const MAX_SHOWN_NAME_LENGTH = 60;

type NamedClient = Pick<ClientRecord, 'clientId' | 'kind' | 'name'>;

/** A client as a person reads it. */
export type DescribedClient = {
  /** The name in quotation marks. */
  readonly name: string;
  /** What vouches for the name. */
  readonly voucher: string;
  /** Where the authorization response goes, and the access with it. */
  readonly destination: string;
  readonly warnings: readonly string[];
};

/** Describes a client to the person whom it asks, with everything that the person needs to recognize a false one. */
export function describeClient(client: NamedClient, redirectUri: string): DescribedClient {
  const { hostname } = new URL(redirectUri);
  const isLocal = isLoopbackHost(hostname);
  return {
    name: quoteClientName(client),
    voucher: describeVoucher(client),
    destination: isLocal ? `a program on this computer (${hostname})` : hostname,
    warnings: [
      ...(isLocal
        ? [
            'Continue only if you started this yourself, on this computer, just now.',
            'Never copy the address of the next page into a website or a chat.',
          ]
        : []),
      ...(client.kind === 'document' && !isLocal && hostname !== new URL(client.clientId).hostname
        ? [
            `${new URL(client.clientId).hostname} passes the access on to another host, ${hostname}. Continue only if you know both.`,
          ]
        : []),
      ...(client.kind === 'dynamic'
        ? ['Anyone can register a client with any name. Check where the access goes.']
        : []),
    ],
  };
}

/** The name of a client in quotation marks. */
export function quoteClientName(client: NamedClient): string {
  return `“${shortenClientName(client)}”`;
}

/** The name of a client, cut to a length that does not hide what follows. */
export function shortenClientName({ clientId, name, kind }: NamedClient): string {
  const shown = name || (kind === 'document' ? new URL(clientId).hostname : 'A client without a name');
  const characters = [...shown];
  return characters.length > MAX_SHOWN_NAME_LENGTH
    ? `${characters.slice(0, MAX_SHOWN_NAME_LENGTH - 1).join('')}…`
    : shown;
}

/** What vouches for the name of a client. */
export function describeVoucher({ clientId, kind }: Pick<ClientRecord, 'clientId' | 'kind'>): string {
  switch (kind) {
    case 'registered':
      return 'Your administrator registered this client.';
    case 'document':
      return `The website ${domainToASCII(new URL(clientId).hostname)} describes this client.`;
    case 'dynamic':
      return 'Only the client itself says so. The name is not verified.';
    default:
      return kind satisfies never;
  }
}
