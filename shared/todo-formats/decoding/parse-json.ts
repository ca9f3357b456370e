import { UnreadableFileError } from '../file-errors.ts';
import { findJsonFault } from './json-fault.ts';

/** Parses the JSON of a file. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const position = findJsonFault(text);
    const line = text.slice(0, position).split('\n').length;
    const fault =
      position >= text.trimEnd().length ? 'the JSON ends too early, so the file is not complete' : 'this is no JSON';
    throw new UnreadableFileError(`Line ${line}: ${fault}. Export the file again`, { cause: error });
  }
}
