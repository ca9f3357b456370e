import type { Argument, Command, Option } from './command.ts';

/** A command with its arguments: `clients show ID`. */
export function signature({ name, arguments: expected }: Command): string {
  return [name, ...Object.entries(expected).map(([label, argument]) => argumentTerm(label, argument))].join(' ');
}

/** The usage line of a command: `clients rotate-secret ID [options]`. */
export function usage(command: Command): string {
  const options = Object.entries(command.options);
  const required = options.filter(([, option]) => option.required).map(([name, option]) => optionTerm(name, option));
  const hasOthers = options.length > required.length || !command.longRunning;
  return [signature(command), ...required, ...(hasOthers ? ['[options]'] : [])].join(' ');
}

/** An argument as the help writes it: `ID`, `[TOKEN]` when it is optional, `SCOPE...` when it may be repeated. */
export function argumentTerm(label: string, { optional, repeated }: Argument): string {
  const term = repeated ? `${label}...` : label;
  return optional ? `[${term}]` : term;
}

/** An option as the help writes it: `--name NAME`. */
export function optionTerm(name: string, { value }: Option): string {
  return value === undefined ? `--${name}` : `--${name} ${value}`;
}
