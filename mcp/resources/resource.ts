import type { ReadResourceResult } from '@modelcontextprotocol/sdk/types.js';
import type { Scope } from '../../shared/scopes.ts';
import type { ToolContext } from '../tools/tool.ts';

/** What is told of a resource, or of all that a template names (RFC 6570), and what reads it. */
export type Resource = {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly mimeType: string;
  /** The scope that an access token must have been granted to read it; none for what holds no todo. */
  readonly scope: Scope | undefined;
  readonly address: { readonly uri: string } | { readonly uriTemplate: string };
  readonly matches: (uri: string) => boolean;
  /** The contents, or undefined when there is nothing at this URI. */
  readonly read: (uri: string, context: ToolContext) => Promise<ReadResourceResult['contents'][number] | undefined>;
  /** Values for the variable of the template that begin as `value` does, by whatever a person would type. */
  readonly complete?: (value: string, context: ToolContext) => Promise<string[]>;
  readonly meta?: Readonly<Record<string, unknown>>;
};
