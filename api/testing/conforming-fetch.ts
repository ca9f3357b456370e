import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import type {
  Header,
  MediaType,
  OpenApiDocument,
  Operation,
  Reference,
  Response as ResponseObject,
  Schema,
} from '../openapi/openapi.ts';
import { RESPONSES_WITHOUT_OPERATION } from '../openapi/problem-responses.ts';

/** A `fetch` that checks every response against the OpenAPI document. */
export type ConformingFetch = {
  /** @throws {Error} when the document does not describe the response. */
  readonly fetch: (url: string, init?: RequestInit) => Promise<Response>;
  /** Each operation with a status of its responses, such as `getTodo 404`. */
  readonly seenResponses: ReadonlySet<string>;
  /** The code of each problem, such as `todo_not_found`. */
  readonly seenCodes: ReadonlySet<string>;
};

/** Headers of HTTP and CORS, which any response may have without a description. */
const UNDESCRIBED_HEADERS =
  /^(access-control-.*|cache-control|connection|content-length|content-type|date|keep-alive|transfer-encoding|vary)$/;

/**
 * Creates a `fetch` that checks responses against `document`. It is stricter than a client, which must ignore unknown
 * members and headers: a status, media type, header or member that the document does not describe is an error.
 */
export function createConformingFetch(document: OpenApiDocument): ConformingFetch {
  const { components } = forbidUnknownMembers(document);
  const withoutOperation = forbidUnknownMembers(RESPONSES_WITHOUT_OPERATION);
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  addFormats.default(ajv);
  const validators = new Map<string, ValidateFunction>();
  const base = new URL(document.servers[0]?.url ?? '').pathname;
  const seenResponses = new Set<string>();
  const seenCodes = new Set<string>();

  return {
    seenResponses,
    seenCodes,
    async fetch(url, init = {}) {
      const response = await fetch(url, init);
      const method = (init.method ?? 'GET').toLowerCase();
      const description = findResponse(method, new URL(url).pathname, response.status);
      const problems =
        description === undefined
          ? []
          : typeof description === 'string'
            ? [description]
            : await check(method, response.clone(), description);
      if (problems.length > 0)
        throw new Error(`${method} ${url} got the response ${response.status}:\n${problems.join('\n')}`);
      return response;
    },
  };

  /** Finds the description of a response. Returns undefined outside the API, and a sentence if it is not described. */
  function findResponse(method: string, pathname: string, status: number): ResponseObject | string | undefined {
    const path = pathname.replace(/\/$/, '').slice(base.length);
    const items = pathname.startsWith(`${base}/`) ? findPathItems(path) : [];
    const operation = items.map((item) => findOperation(item, method)).find((operation) => operation !== undefined);
    // the document describes it, but a fault is an error in every test
    if (status === 500) return 'the server has a fault';
    if (operation !== undefined) {
      seenResponses.add(`${operation.operationId} ${status}`);
      const described = operation.responses[status];
      return described === undefined
        ? `${operation.operationId} does not describe this status`
        : resolve('responses', described);
    }
    if (items.length > 0) return status === 405 ? withoutOperation[405] : 'expected 405';
    if (status === 404) return withoutOperation[404];
    return pathname.startsWith(`${base}/`) ? 'the document does not describe this path' : undefined;
  }

  /** Finds the path items for a path. Those without parameters come first. */
  function findPathItems(path: string) {
    return Object.entries(document.paths)
      .filter(([template]) => new RegExp(`^${template.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(path))
      .sort(([a], [b]) => Number(a.includes('{')) - Number(b.includes('{')))
      .map(([, item]) => item);
  }

  async function check(method: string, response: Response, described: ResponseObject): Promise<string[]> {
    return [...checkHeaders(response.headers, described), ...(await checkBody(method, response, described))];
  }

  function checkHeaders(sent: Headers, described: ResponseObject): string[] {
    const headers = Object.entries(described.headers).map(
      ([name, header]) => [name.toLowerCase(), resolve('headers', header)] as const,
    );
    const known = new Set(headers.map(([name]) => name));
    const unknown = [...sent.keys()].filter((name) => !known.has(name) && !UNDESCRIBED_HEADERS.test(name));
    return [
      ...unknown.map((name) => `the header ${name} is not described`),
      ...headers.flatMap(([name, header]) => checkHeader(name, sent.get(name), header)),
    ];
  }

  function checkHeader(name: string, value: string | null, { required = false, schema }: Header): string[] {
    if (value === null) return required ? [`the header ${name} is missing`] : [];
    return validate(schema, schema.type === 'integer' ? Number(value) : value, `the header ${name}`);
  }

  async function checkBody(method: string, response: Response, { content }: ResponseObject): Promise<string[]> {
    const body = await response.text();
    if (content === undefined || method === 'head') return body === '' ? [] : ['expected no body'];
    const type = response.headers.get('content-type')?.split(';')[0] ?? '';
    const media = content[type];
    return media === undefined ? [`the media type ${type} is not described`] : checkContent(type, media, body);
  }

  function checkContent(type: string, media: MediaType, body: string): string[] {
    const item = media['x-item-schema'];
    if (item === undefined) {
      const value = JSON.parse(body);
      if (type === 'application/problem+json') seenCodes.add(String(value.code));
      return validate(media.schema, value, type);
    }
    const lines = body.split('\n').filter((line) => line !== '');
    return [
      ...validate(media.schema, body, type),
      ...lines.flatMap((line, index) => validate(item, JSON.parse(line), `line ${index + 1}`)),
    ];
  }

  function validate(schema: Schema, value: unknown, what: string): string[] {
    const key = JSON.stringify(schema);
    const validator = validators.get(key) ?? ajv.compile({ ...schema, components });
    validators.set(key, validator);
    if (validator(value)) return [];
    return (validator.errors ?? []).map(
      ({ instancePath, message, params }) => `${what}${instancePath} ${message} ${JSON.stringify(params)}`,
    );
  }

  function resolve<T extends object>(kind: 'headers' | 'responses', described: T | Reference): T {
    if (!('$ref' in described)) return described;
    const found = Object.entries(components[kind]).find(([name]) => described.$ref === `#/components/${kind}/${name}`);
    if (found === undefined) throw new Error(`${described.$ref} is not in components`);
    return Object(found[1]);
  }
}

function findOperation(item: OpenApiDocument['paths'][string], method: string): Operation | undefined {
  return Object.entries(item).find(([name]) => name === (method === 'head' ? 'get' : method))?.[1];
}

/** Copies `document` with `additionalProperties: false` in every object schema that does not set it. */
function forbidUnknownMembers<T>(document: T): T {
  return JSON.parse(JSON.stringify(document), (_, value) =>
    value?.type === 'object' && value.properties !== undefined ? { additionalProperties: false, ...value } : value,
  );
}
