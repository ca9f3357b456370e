import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

/** The reason with which a test that needs a browser is skipped. */
export const NO_CHROMIUM = 'Chromium is not installed: run apt-get install chromium, or set CHROMIUM_PATH';

/** Finds an installed browser. The tests download none. */
export function findChromium(): string | undefined {
  const { CHROMIUM_PATH = '' } = process.env;
  const paths = [CHROMIUM_PATH, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
  return paths.find((path) => existsSync(path));
}

/** Starts a browser without a window that sends no requests of its own. */
export function launchChromium(executablePath: string): Promise<Browser> {
  return chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking', '--disable-sync'],
  });
}
