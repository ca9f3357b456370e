import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import * as z from 'zod';

const { scripts } = z
  .object({ scripts: z.record(z.string(), z.string()) })
  .parse(JSON.parse(readFileSync('package.json', 'utf8')));

/** Runs the check of the npm scripts with a Node that says that it is `version`. */
async function runWith(version: string): Promise<{ code: number; stdout: string; stderr: string }> {
  const pretend = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${version}' } });`;
  const preload = `data:text/javascript,${encodeURIComponent(pretend)}`;
  return promisify(execFile)(process.execPath, ['--import', preload, 'scripts/require-node.js']).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    ({ code, stdout, stderr }) => ({ code, stdout, stderr }),
  );
}

test.each(['20.20.2', '24.6.9'])('Node %s is rejected in one sentence that says what to do', async (version) => {
  expect(await runWith(version)).toEqual({
    code: 1,
    stdout: '',
    stderr: expect.stringMatching(
      new RegExp(`^yata needs Node 24\\.7 or newer, and this is Node ${version}\\. Run \`npm rebuild node\`.*\n$`),
    ),
  });
});

test.each(['24.7.0', '25.0.0', '30.1.0'])('Node %s is accepted', async (version) => {
  expect(await runWith(version)).toEqual({ code: 0, stdout: '', stderr: '' });
});

test.each(['start', 'yata', 'auth', 'api', 'mcp', 'mcp:stdio'])('`npm run %s` looks at the version first', (name) => {
  expect(scripts[name]).toMatch(/^node scripts\/require-node\.js && /);
});
