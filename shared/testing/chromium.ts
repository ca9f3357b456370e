import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

/** Why a test that needs a browser is left out. */
export const NO_CHROMIUM = 'there is no Chromium on this machine: apt-get install chromium, or set CHROMIUM_PATH';

/** Finds a browser of this machine: none is downloaded. */
export function findChromium(): string | undefined {
  const { CHROMIUM_PATH = '' } = process.env;
  const paths = [CHROMIUM_PATH, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
  return paths.find((path) => existsSync(path));
}

/** Starts a browser without a window, which asks nothing of anybody. */
export function launchChromium(executablePath: string): Promise<Browser> {
  return chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking', '--disable-sync'],
  });
}
