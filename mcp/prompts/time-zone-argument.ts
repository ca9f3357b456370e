import { TimeZone } from '../../shared/todo/text.ts';
import { completeTimeZone } from '../complete-time-zone.ts';
import type { PromptArgument } from './prompt.ts';

/** The argument of a prompt that says where a day begins and ends. */
export const timeZoneArgument: PromptArgument = {
  name: 'time_zone',
  description: 'Time zone of the days, such as Europe/Berlin. Without it: UTC',
  required: false,
  schema: TimeZone,
  complete: completeTimeZone,
};
