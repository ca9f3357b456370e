import type { Command } from '../cli/command-line/command.ts';
import { parseCommandLine } from '../cli/command-line/parse-command-line.ts';
import { signature } from '../cli/command-line/usage.ts';

const BEGIN = '<!-- commands: written by npm run docs:commands -->';
const END = '<!-- end of commands -->';

/**
 * Puts the list of commands, and the help of each, between the two markers of a Markdown document.
 * @throws when the document does not have the markers.
 */
export function writeCommandList(document: string, commands: readonly Command[]): string {
  const [before, rest = ''] = document.split(BEGIN);
  const [, after] = rest.split(END);
  if (before === undefined || after === undefined) throw new Error(`expected the markers ${BEGIN} and ${END}`);
  return `${before}${BEGIN}\n\n${commandList(commands)}\n\n${END}${after}`;
}

function commandList(commands: readonly Command[]): string {
  const rows = commands.map((command) => `| \`${signature(command)}\` | ${command.summary} |`);
  const sections = commands.map(({ name }) => `### ${name}\n\n\`\`\`text\n${helpOf(name, commands)}\n\`\`\``);
  return ['| command | does |\n|---|---|', ...rows, '', sections.join('\n\n')].join('\n');
}

function helpOf(name: string, commands: readonly Command[]): string {
  const invocation = parseCommandLine([...name.split(' '), '--help'], commands);
  if (invocation.kind !== 'help') throw new Error(`${name} --help gives no help`);
  return invocation.text;
}
