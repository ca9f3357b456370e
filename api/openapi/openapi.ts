import type * as z from 'zod';

/** The part of OpenAPI 3.1 that yata uses, with the names of the specification. */
export type OpenApiDocument = {
  readonly openapi: '3.1.1';
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly servers: readonly { readonly url: string }[];
  readonly tags: readonly { readonly name: string; readonly description: string }[];
  readonly paths: Paths;
  readonly components: Components;
};

export type Components = {
  readonly schemas: Readonly<Record<string, Schema>>;
  readonly parameters: Readonly<Record<string, Parameter>>;
  readonly headers: Readonly<Record<string, Header>>;
  readonly responses: Readonly<Record<string, Response>>;
  readonly securitySchemes: Readonly<Record<string, object>>;
};

type Method = 'get' | 'post' | 'put' | 'patch' | 'delete';
export type Paths = Readonly<Record<string, Readonly<Partial<Record<Method, Operation>>>>>;

export type Operation = {
  readonly operationId: string;
  readonly summary: string;
  readonly description: string;
  readonly tags: readonly string[];
  readonly security: readonly Readonly<Record<string, readonly string[]>>[];
  readonly parameters: readonly (Parameter | Reference)[];
  readonly requestBody?: { readonly required: true; readonly content: Content };
  readonly responses: Responses;
};

export type Responses = Readonly<Record<string, Response | Reference>>;

export type Parameter = {
  readonly name: string;
  readonly in: 'query' | 'path' | 'header';
  readonly required?: boolean;
  readonly description?: string;
  readonly schema: Schema;
  readonly example?: string;
};

export type Response = {
  readonly description: string;
  readonly headers: Readonly<Record<string, Header | Reference>>;
  readonly content?: Content;
};

export type Header = { readonly description: string; readonly required?: boolean; readonly schema: Schema };

type Content = Readonly<Record<string, MediaType>>;

export type MediaType = {
  readonly schema: Schema;
  /** The schema of each line of a sequential media type. The keyword `itemSchema` exists only since OpenAPI 3.2. */
  readonly 'x-item-schema'?: Schema;
  readonly example?: unknown;
};

export type Schema = z.core.JSONSchema.BaseSchema;
export type Reference = { readonly $ref: string };

/** Refers to a component of the document by its name. */
export function refer(kind: keyof Components, name: string): Reference {
  return { $ref: `#/components/${kind}/${name}` };
}
