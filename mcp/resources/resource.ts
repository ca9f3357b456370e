import type { ReadResourceResult } from '@modelcontextprotocol/server';
import type { Scope } from '../../shared/scopes.ts';
import type { FeatureContext } from '../feature-context.ts';

/** A resource, or all resources of a URI template (RFC 6570), as data: its listing and the function that reads it. */
export type Resource = {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly mimeType: string;
  /** The scope that an access token needs to read it; undefined for a resource without data of a user. */
  readonly scope: Scope | undefined;
  readonly address: { readonly uri: string } | { readonly uriTemplate: string };
  readonly matches: (uri: string) => boolean;
  /** What is wrong with the parameters of a URI that matches; undefined when nothing is. */
  readonly problemOf?: (uri: string) => string | undefined;
  /** Reads the contents; undefined when nothing exists at this URI. */
  readonly read: (uri: string, context: FeatureContext) => Promise<ReadResourceResult['contents'][number] | undefined>;
  /** Proposes values for the variable of the template, for what the user has typed. */
  readonly complete?: (value: string, context: FeatureContext) => Promise<string[]>;
  /** The `_meta` of its listing and its contents. */
  readonly meta?: Readonly<Record<string, unknown>>;
};
