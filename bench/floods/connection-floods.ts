import { type Counts, type Flood, sum } from './flood.ts';
import { createLongTodos } from './generators/long-todos.ts';
import { pipelineWithoutReading } from './generators/pipeline.ts';
import { waitAsStrangers } from './generators/strangers.ts';
import { bearer } from './requests.ts';

const STRANGERS = 10_000;
const STRANGER_WORKERS = 4;
const STRANGER_RAMP_SECONDS = 20;
const STRANGER_SECONDS = 40;

/** One address may have a quarter of the connections of a service. */
const STRANGER_ADDRESSES = Array.from({ length: 8 }, (_, index) => `127.0.0.${index + 1}`);

/** A connection with this many requests sends about 100 kB. */
const PIPELINED = 1500;

/** The floods that hold memory: by connections, and by responses that their client does not read. */
export const CONNECTION_FLOODS = {
  'pipeline-auth': {
    description: `100 connections pipeline ${PIPELINED} requests to auth and read nothing`,
    run: ({ issuer }, until) =>
      pipelineWithoutReading({ url: `${issuer}/oauth/jwks`, connections: 100, requests: PIPELINED }, until),
  },
  'pipeline-api': {
    description: `400 connections pipeline ${PIPELINED} × GET /openapi.json and read nothing`,
    run({ apiResource }, until) {
      const url = `${new URL(apiResource).origin}/openapi.json`;
      return pipelineWithoutReading({ url, connections: 400, requests: PIPELINED }, until);
    },
  },
  'pipeline-mcp': {
    description: `100 connections pipeline ${PIPELINED} requests without an access token to mcp and read nothing`,
    run: ({ mcpResource }, until) =>
      pipelineWithoutReading({ url: mcpResource, connections: 100, requests: PIPELINED }, until),
  },
  'pipeline-with-token': {
    description: `50 connections to api and 50 to mcp pipeline ${PIPELINED} requests with an access token and read nothing`,
    async run({ apiResource, mcpResource, apiToken, mcpToken }, until) {
      const load = { connections: 50, requests: PIPELINED };
      return sum(
        await pipelineBoth(
          { url: `${apiResource}/todos`, headers: bearer(apiToken), ...load },
          { url: mcpResource, headers: bearer(mcpToken), ...load },
          until,
        ),
      );
    },
  },
  'unread-pages': {
    description: '100 connections request pages of 200 long todos and read nothing; one of them pipelines 200',
    prepare: createLongTodos,
    async run({ apiResource, apiToken }, until) {
      const page = { url: `${apiResource}/todos?limit=200`, headers: bearer(apiToken) };
      return sum(
        await pipelineBoth(
          { ...page, connections: 99, requests: 1 },
          { ...page, connections: 1, requests: 200 },
          until,
        ),
      );
    },
  },
  'unread-export': {
    description: '100 connections request the export of 200 long todos and read nothing',
    prepare: createLongTodos,
    run({ apiResource, apiToken }, until) {
      const url = `${apiResource}/todos/export`;
      return pipelineWithoutReading({ url, headers: bearer(apiToken), connections: 100, requests: 1 }, until);
    },
  },
  strangers: {
    description: `${STRANGERS} strangers wait at the status lists`,
    seconds: STRANGER_SECONDS,
    rampSeconds: STRANGER_RAMP_SECONDS,
    workers: STRANGER_WORKERS,
    // they do little, but all of them must be there
    nice: 0,
    run: ({ issuer, worker }, until) =>
      waitAsStrangers(
        {
          url: `${issuer}/oauth/status-lists`,
          strangers: STRANGERS / STRANGER_WORKERS,
          addresses: STRANGER_ADDRESSES.filter((_, index) => index % STRANGER_WORKERS === worker),
          rampMs: STRANGER_RAMP_SECONDS * 1000,
          // the last plain GET has the time that it may take
          endMs: (STRANGER_SECONDS - 3) * 1000,
        },
        until,
      ),
    findFailures: ({ connected = 0, 'connection lost': lost = 0, 'lists in time': lists = 0 }) => [
      ...(connected === STRANGERS ? [] : [`${connected} of ${STRANGERS} strangers connected`]),
      ...(lost === 0 ? [] : [`strangers lost ${lost} connections`]),
      ...(lists === STRANGERS ? [] : [`${lists} of ${STRANGERS} strangers got the list in time`]),
    ],
  },
} as const satisfies Record<string, Flood>;

type Pipeline = Parameters<typeof pipelineWithoutReading>[0];

function pipelineBoth(one: Pipeline, other: Pipeline, until: AbortSignal): Promise<Counts[]> {
  return Promise.all([pipelineWithoutReading(one, until), pipelineWithoutReading(other, until)]);
}
