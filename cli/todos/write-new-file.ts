import { rmSync } from 'node:fs';
import { type FileHandle, link, open, rename, rm } from 'node:fs/promises';
import { UsageError } from '../command-line/command.ts';
import { describeSystemError } from '../command-line/describe-system-error.ts';
import { TODO_TEXTS } from './texts.ts';

/**
 * Creates a file that only its owner may read, and lets `produce` write its content. A file that exists stays as it is, and a
 * file that is not complete never has the name, although an empty one may for a moment.
 * @throws {UsageError} when there is a file with this name, or there can be none.
 */
export async function writeNewFile<T>(
  path: string,
  produce: (write: (text: string) => Promise<boolean>) => Promise<T>,
): Promise<T> {
  const unfinished = `${path}.${process.pid}`;
  using _deletion = deleteOnSignal(unfinished);
  const file = await openNew(unfinished);
  try {
    const result = await produce(async (text) => {
      await file.appendFile(text);
      return true;
    });
    await file.sync();
    await giveName(unfinished, path).catch(rejectExisting);
    return result;
  } finally {
    await file.close();
    await rm(unfinished, { force: true });
  }
}

function openNew(path: string): Promise<FileHandle> {
  return open(path, 'wx', 0o600).catch((error: unknown) => {
    throw new UsageError(TODO_TEXTS.noNewFile(describeSystemError(error)));
  });
}

/** The codes with which a file system says that it has no hard links, as those of USB sticks and some network shares. */
const NO_LINKS: ReadonlySet<unknown> = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS']);

/** Gives a file a new name. A rename alone would replace a file that exists. */
async function giveName(unfinished: string, path: string): Promise<void> {
  try {
    await link(unfinished, path);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && NO_LINKS.has(error.code))) throw error;
    // the empty file that is replaced is the own one
    await (await open(path, 'wx', 0o600)).close();
    await rename(unfinished, path);
  }
}

function rejectExisting(error: unknown): void {
  if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  throw new UsageError(TODO_TEXTS.fileExists());
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Deletes a file when a signal ends the process: then no `finally` runs. */
function deleteOnSignal(path: string): Disposable {
  const removeListeners = () => {
    for (const signal of SIGNALS) process.off(signal, end);
  };
  for (const signal of SIGNALS) process.on(signal, end);
  return { [Symbol.dispose]: removeListeners };

  function end(signal: NodeJS.Signals): void {
    removeListeners();
    rmSync(path, { force: true });
    // without the listener, the signal ends the process
    process.kill(process.pid, signal);
  }
}
