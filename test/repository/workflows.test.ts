import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

// a tag can be moved to another commit, a commit cannot
test.each(['ci.yml', 'release.yml'])('%s pins every action to a commit and names its version', (name) => {
  const workflow = readFileSync(`.github/workflows/${name}`, 'utf8');
  const actions = [...workflow.matchAll(/\buses: (.*)$/gm)].map(([, action]) => action);
  expect(actions).not.toEqual([]);
  for (const action of actions) {
    if (action?.startsWith('./')) continue;
    expect(action).toMatch(/^[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
  }
});
