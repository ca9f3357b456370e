import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { FAULT_NAMES, runFaults } from './faults.ts';
import { measureGrowth } from './growth.ts';
import { runKills } from './kills.ts';
import { runRotations } from './rotations.ts';
import { describeSamples, soak } from './soak.ts';

const USAGE = `usage: npm run bench:endurance -- soak [--minutes 60] [--file soak.jsonl]
       npm run bench:endurance -- report [--file soak.jsonl]
       npm run bench:endurance -- faults [NAME …]
       npm run bench:endurance -- kills [--kills 100]
       npm run bench:endurance -- rotations
       npm run bench:endurance -- growth

faults:
  ${FAULT_NAMES.join('\n  ')}
`;

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      minutes: { type: 'string', default: '60' },
      file: { type: 'string', default: 'soak.jsonl' },
      kills: { type: 'string', default: '100' },
    },
  });
  const [name, ...names] = positionals;
  print(`${new Date().toISOString()}, Node ${process.versions.node} on ${availableParallelism()} cores`);
  const runs: Record<string, () => Promise<boolean>> = {
    soak: () => soak({ minutes: Number(values.minutes), file: values.file, print }),
    faults: () => runFaults(names.length > 0 ? names : FAULT_NAMES, print),
    kills: () => runKills(Number(values.kills), print),
    rotations: () => runRotations(print),
    async growth() {
      await measureGrowth(print);
      return true;
    },
    async report() {
      print(describeSamples(values.file));
      return true;
    },
  };
  const run = runs[name ?? ''];
  if (run === undefined) {
    process.stderr.write(USAGE);
    process.exitCode = 2;
    return;
  }
  const held = await run();
  print(held ? 'every condition held' : 'some conditions did not hold');
  process.exitCode = held ? 0 : 1;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

await main();
