import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';

/** Lists the files of the checkout that git does not ignore, as paths from its root. `pattern` is a pathspec of git. */
export function listRepositoryFiles(pattern: string): string[] {
  // git refuses to read a checkout of another user, which a mounted one may be
  const trusted = ['-c', 'safe.directory=*'];
  const args = [...trusted, 'ls-files', '-z', '--cached', '--others', '--exclude-standard', '--', pattern];
  const files = execFileSync('git', args, { encoding: 'utf8' }).split('\0');
  // a file that was deleted is listed until the deletion is staged
  return files.filter((file) => file !== '' && existsSync(file)).sort();
}

/** Whether the working directory is a git checkout. A downloaded archive is none. */
export function isCheckout(): boolean {
  return existsSync('.git');
}
