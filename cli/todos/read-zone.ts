import { findNamedZone, findZone } from '../../shared/local-time.ts';
import { UsageError } from '../command-line/command.ts';

/** The zone with this name. Without one it is the zone of this machine, which is that of the user. */
export function readZone(name: string | undefined): string {
  if (name === undefined) return findZone(new Intl.DateTimeFormat().resolvedOptions().timeZone) ?? 'UTC';
  const zone = findNamedZone(name);
  if (zone === undefined) throw new UsageError('--time-zone: expected a name such as Europe/Berlin');
  return zone;
}
