import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { skipOutsideCi } from '../../shared/testing/skip-outside-ci.ts';
import { makeTemporaryDirectory } from '../../shared/testing/temporary-directory.ts';

const RULES = resolve('docker/observability/alerts.yml');

/** It comes with Prometheus. */
const PROMTOOL = '/usr/bin/promtool';

const alerts = [...readFileSync(RULES, 'utf8').matchAll(/^ +- alert: (\w+)$/gm)].map(([, name = '']) => name);

/** Series by their names and labels. A value is in promtool's notation: `0+5x60` begins at 0 and grows by 5, 60 times. */
type Series = Readonly<Record<string, string>>;

/** A healthy system: each metric of an alert, far from its threshold. There is a value for each half minute of an hour. */
const HEALTHY: Series = {
  'up{job="yata-auth",instance="auth:3000"}': '1x120',
  'up{job="yata-api",instance="api:3001"}': '1x120',
  'up{job="yata-mcp",instance="mcp:3002"}': '1x120',
  'process_start_time_seconds{job="yata-api"}': '1000x120',
  'http_request_duration_seconds_count{job="yata-api",method="GET",route="/api/v1/todos",status="200"}': '0+3000x120',
  'http_request_duration_seconds_count{job="yata-api",method="GET",route="/api/v1/todos",status="401"}': '0+1x120',
  'http_request_duration_seconds_count{job="yata-api",method="GET",route="/api/v1/todos",status="503"}': '0+1x120',
  'http_request_duration_seconds_count{job="yata-api",method="POST",route="/api/v1/todos",status="507"}': '0+900x120',
  'http_request_duration_seconds_bucket{job="yata-api",method="POST",le="0.5"}': '0+1000x120',
  'http_request_duration_seconds_bucket{job="yata-api",method="POST",le="1"}': '0+1000x120',
  'http_request_duration_seconds_bucket{job="yata-api",method="POST",le="+Inf"}': '0+1000x120',
  'oauth_token_request_duration_seconds_count{grant_type="refresh_token",error="none"}': '0+100x120',
  'oauth_token_request_duration_seconds_count{grant_type="refresh_token",error="invalid_grant"}': '0+50x120',
  'oauth_token_request_duration_seconds_count{grant_type="refresh_token",error="server_error"}': '0x120',
  'mcp_tool_call_duration_seconds_count{tool="list_todos",result="success"}': '0+100x120',
  'mcp_tool_call_duration_seconds_count{tool="list_todos",result="error"}': '0+1x120',
  'mcp_tool_call_duration_seconds_count{tool="list_todos",result="rejected"}': '0+50x120',
  'nodejs_eventloop_lag_p99_seconds{job="yata-api"}': '0.012x120',
  'process_resident_memory_bytes{job="yata-api"}': '150000000x120',
  'process_open_fds{job="yata-api"}': '200x120',
  'process_max_fds{job="yata-api"}': '20000x120',
  'http_connections_rejected_total{job="yata-api",reason="limit"}': '0x120',
  'http_connections_rejected_total{job="yata-api",reason="pipelining"}': '0+100x120',
  'database_pool_waiting{job="yata-api",pool="writes"}': '0 3 0x118',
  'status_list_age_seconds{job="yata-api"}': '20x120',
  'status_list_last_sequence{job="yata-auth"}': '0+2x120',
  'status_list_last_sequence{job="yata-api"}': '0+2x120',
  'status_list_last_sequence{job="yata-mcp"}': '0+2x120',
  'status_list_read_age_seconds{job="yata-auth"}': '1x120',
  'revocation_lag_seconds_bucket{job="yata-auth",le="0.1"}': '0+10x120',
  'revocation_lag_seconds_bucket{job="yata-auth",le="1"}': '0+10x120',
  'revocation_lag_seconds_bucket{job="yata-auth",le="+Inf"}': '0+10x120',
  'status_list_readers_waiting{job="yata-auth"}': '2x120',
  'status_list_anonymous_waiting{job="yata-auth"}': '3x120',
  'limit_rejections_total{job="yata-auth",limit="client_authentication"}': '0x120',
  'limit_rejections_total{job="yata-auth",limit="sign_in"}': '0x120',
  'limit_rejections_total{job="yata-api",limit="rate_limited"}': '0+1x120',
  'audit_events_dropped_total{job="yata-auth"}': '0x120',
  'audit_queue_events{job="yata-auth"}': '0 200 0x118',
};

/** For each alert, what is different from a healthy system. */
const CAUSES: Readonly<Record<string, Series>> = {
  YataDown: { 'up{job="yata-api",instance="api:3001"}': '1x10 0x110' },
  YataRestarts: { 'process_start_time_seconds{job="yata-api"}': '1000+30x120' },
  YataRequestsFail: {
    'http_request_duration_seconds_count{job="yata-api",method="GET",route="/api/v1/todos",status="503"}': '0+100x120',
  },
  YataWritesSlow: {
    'http_request_duration_seconds_bucket{job="yata-api",method="POST",le="0.5"}': '0+900x120',
  },
  YataTokenRequestsFail: {
    'oauth_token_request_duration_seconds_count{grant_type="refresh_token",error="server_error"}': '0+30x120',
  },
  YataToolCallsFail: { 'mcp_tool_call_duration_seconds_count{tool="list_todos",result="error"}': '0+50x120' },
  YataEventLoopBlocked: { 'nodejs_eventloop_lag_p99_seconds{job="yata-api"}': '0.3x120' },
  YataMemoryHigh: { 'process_resident_memory_bytes{job="yata-api"}': '1000000000x120' },
  YataFilesRunOut: { 'process_open_fds{job="yata-api"}': '17000x120' },
  YataConnectionsRejected: { 'http_connections_rejected_total{job="yata-api",reason="limit"}': '0+60x120' },
  YataDatabasePoolExhausted: { 'database_pool_waiting{job="yata-api",pool="writes"}': '8x120' },
  YataStatusListsStale: { 'status_list_age_seconds{job="yata-api"}': '0+30x120' },
  YataStatusListsBehind: { 'status_list_last_sequence{job="yata-api"}': '7x120' },
  YataRevocationsNotRead: { 'status_list_read_age_seconds{job="yata-auth"}': '0+30x120' },
  YataRevocationSlow: {
    'revocation_lag_seconds_bucket{job="yata-auth",le="0.1"}': '0+5x120',
    'revocation_lag_seconds_bucket{job="yata-auth",le="1"}': '0+8x120',
    'revocation_lag_seconds_bucket{job="yata-auth",le="5"}': '0+10x120',
  },
  YataReadersMissing: { 'status_list_readers_waiting{job="yata-auth"}': '1x120' },
  YataAnonymousReadersFull: { 'status_list_anonymous_waiting{job="yata-auth"}': '100x120' },
  YataAuthenticationAttack: { 'limit_rejections_total{job="yata-auth",limit="sign_in"}': '0+90x120' },
  YataManyUnauthorized: {
    'http_request_duration_seconds_count{job="yata-api",method="GET",route="/api/v1/todos",status="401"}': '0+300x120',
  },
  YataLimitReached: { 'limit_rejections_total{job="yata-api",limit="rate_limited"}': '0+30x120' },
  YataAuditEventsDropped: { 'audit_events_dropped_total{job="yata-auth"}': '0x100 5x20' },
  YataAuditQueueFull: { 'audit_queue_events{job="yata-auth"}': '900x120' },
};

beforeEach(({ skip }) => {
  if (!existsSync(PROMTOOL))
    skipOutsideCi(skip, 'promtool, which the Debian package prometheus has, is not installed.');
});

test('each alert fires for its cause, alone, and none fires in a healthy system', () => {
  expect(Object.keys(CAUSES).sort()).toEqual(alerts.toSorted());
  using directory = makeTemporaryDirectory();
  const groups = [['none', {}] as const, ...Object.entries(CAUSES)].map(([alert, cause]) => ({
    name: alert,
    interval: '30s',
    input_series: Object.entries({ ...HEALTHY, ...cause }).map(([series, values]) => ({ series, values })),
    promql_expr_test: [
      {
        expr: 'count by (alertname) (ALERTS{alertstate="firing"})',
        eval_time: '55m',
        exp_samples: alert === 'none' ? [] : [{ labels: `{alertname="${alert}"}`, value: 1 }],
      },
    ],
  }));
  const path = join(directory.path, 'alerts.test.json');
  // JSON is YAML
  writeFileSync(path, JSON.stringify({ rule_files: [RULES], evaluation_interval: '30s', tests: groups }));
  expect(run('test', 'rules', path)).toContain('SUCCESS');
});

test('a service that is not even found is an alert', () => {
  using directory = makeTemporaryDirectory();
  const { 'up{job="yata-api",instance="api:3001"}': _, ...others } = HEALTHY;
  const path = join(directory.path, 'alerts.test.json');
  const group = {
    interval: '30s',
    input_series: Object.entries(others).map(([series, values]) => ({ series, values })),
    promql_expr_test: [
      {
        expr: 'count by (alertname, job) (ALERTS{alertstate="firing"})',
        eval_time: '55m',
        exp_samples: [{ labels: '{alertname="YataDown",job="yata-api"}', value: 1 }],
      },
    ],
  };
  writeFileSync(path, JSON.stringify({ rule_files: [RULES], evaluation_interval: '30s', tests: [group] }));
  expect(run('test', 'rules', path)).toContain('SUCCESS');
});

test('the configuration of Prometheus is valid', () => {
  expect(run('check', 'config', 'docker/observability/prometheus.yml')).toContain(`${alerts.length} rules found`);
});

function run(...parameters: string[]): string {
  try {
    return execFileSync(PROMTOOL, parameters, { encoding: 'utf8', stdio: 'pipe' });
  } catch (error) {
    const { stdout, stderr } = Object(error);
    throw new Error(`promtool ${parameters.join(' ')}\n${stdout}${stderr}`);
  }
}
