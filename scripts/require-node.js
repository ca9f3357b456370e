// Run by the npm scripts before the program, whose options an old Node may not know. JavaScript, because an old Node cannot load
// TypeScript.
import { readFileSync } from 'node:fs';

const { engines } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
const [major, minor] = /(\d+)\.(\d+)/.exec(engines.node).slice(1).map(Number);
const [actualMajor, actualMinor] = process.versions.node.split('.').map(Number);

if (actualMajor < major || (actualMajor === major && actualMinor < minor)) {
  process.stderr.write(
    `yata needs Node ${major}.${minor} or newer, and this is Node ${process.versions.node}. Run \`npm rebuild node\`, which installs the right version for the npm scripts (\`npm ci --ignore-scripts\` does not).\n`,
  );
  process.exit(1);
}
