import type { Temporal } from 'temporal-polyfill';
import { findZone, toTime } from '../../local-time.ts';
import type { CalendarComponent } from './icalendar-components.ts';
import { findText } from './icalendar-property.ts';
import { countRules, createTimezoneRule, type ToTime } from './icalendar-timezone-rule.ts';

/** The rules of all zones of a file that are read. A real file has a few zones with two rules each. */
const MAX_RULES_OF_A_FILE = 60;

/** The zones that the times of a file name. */
export type CalendarZones = {
  readonly utc: ToTime;
  /** Without a name, or for a name that nothing explains, the time is in the zone of the import. */
  readonly find: (name: string | undefined) => ToTime;
  /** Whether nothing explains a name. */
  readonly isUnknown: (name: string) => boolean;
};

/**
 * Finds a zone by its TZID. A name of the IANA database needs no VTIMEZONE, which may be cut to a few years. Other names are
 * explained by a VTIMEZONE anywhere in the file, or are names of Windows, or have an IANA name at their end.
 */
export function createCalendarZones(timezones: readonly CalendarComponent[], importZone: string): CalendarZones {
  const components = new Map(timezones.map((component) => [findText(component, 'TZID')?.trim(), component]));
  const found = new Map<string, ToTime | undefined>();
  const inImportZone = inZone(importZone);
  let rules = 0;

  return {
    utc: inZone('UTC'),
    find: (name = '') => findOnce(name.trim()) ?? inImportZone,
    isUnknown: (name) => name.trim() !== '' && findOnce(name.trim()) === undefined,
  };

  function findOnce(name: string): ToTime | undefined {
    if (!found.has(name)) found.set(name, findRule(name));
    return found.get(name);
  }

  function findRule(name: string): ToTime | undefined {
    const iana = /^\w+\/[\w/+-]+$/.test(name) ? findZone(name) : undefined;
    if (iana !== undefined) return inZone(iana);
    const component = components.get(name);
    return (component && readRules(component)) ?? findNamedZone(name);
  }

  function readRules(component: CalendarComponent): ToTime | undefined {
    rules += countRules(component);
    return rules > MAX_RULES_OF_A_FILE ? undefined : createTimezoneRule(component);
  }
}

/** `/freeassociation.sourceforge.net/Europe/Berlin` ends in an IANA name. */
function findNamedZone(name: string): ToTime | undefined {
  const parts = name.split('/').slice(-6);
  for (let start = 0; start < parts.length; start += 1) {
    const zone = findZone(parts.slice(start).join('/'));
    if (zone !== undefined) return inZone(zone);
  }
  return undefined;
}

function inZone(zone: string): ToTime {
  return (local: Temporal.PlainDateTime) => toTime(local, zone);
}
