import { spawn } from 'node:child_process';
import { expect, vi } from 'vitest';
import { openBrowser } from './browser.ts';
import { type Person, signIn } from './persons.ts';
import { processEnvironment } from './process-environment.ts';
import { answerConsent } from './public-client.ts';
import type { System } from './start-system.ts';

/** Starts `yata login`, and resolves with the address that it prints. */
export async function startLogin(environment: Record<string, string>) {
  const child = spawn(process.execPath, ['yata.ts', 'login'], {
    env: processEnvironment(environment),
  });
  let output = '';
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
  await vi.waitFor(() => expect(output).toMatch(/^ {2}http.*$/m), 30_000);
  return { url: /^ {2}(http.*)$/m.exec(output)?.[1] ?? '', ended, output: () => output };
}

/** The environment of a command without client credentials. */
export function environmentOf(system: System) {
  return {
    AUTH_ISSUER: system.issuer,
    API_RESOURCE: system.apiResource,
    MCP_RESOURCE: system.mcpResource,
    YATA_DATA_DIR: system.environment.YATA_DATA_DIR ?? '',
  };
}

/** Signs a person in with `yata login`. @returns what the command wrote. */
export async function logIn(system: System, person: Person, environment: Record<string, string>): Promise<string> {
  const running = await startLogin(environment);
  const browser = openBrowser(system.issuer);
  const { location } = await answerConsent(browser, await signIn(browser, await browser.open(running.url), person));
  await fetch(location ?? '');
  expect(await running.ended).toBe(0);
  return running.output();
}
