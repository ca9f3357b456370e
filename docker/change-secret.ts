import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { requirePrivateFile } from '../shared/configuration/private-directory.ts';
import { replacePrivateFile, writePrivateFile } from '../shared/configuration/private-file.ts';

/** The steps of a change, in their order. Between two of them services are restarted. */
const STEPS = ['add', 'use', 'remove', 'finish'] as const;
type Step = (typeof STEPS)[number];

/** What a step of a change does. `next` is the new secret. */
type Change = Readonly<Record<Exclude<Step, 'finish'>, (files: Files, next: string) => void>> & {
  /** The file that has the secret now. The new one is beside it until the change is complete. */
  readonly file: string;
};

const CHANGES: Readonly<Record<string, Change>> = {
  'auth-password': changePassword('auth'),
  'api-password': changePassword('api'),
  'key-encryption-key': changeKeyEncryptionKey(),
  'api-client-secret': changeClientSecret('api'),
  'mcp-client-secret': changeClientSecret('mcp'),
};

/**
 * Does one step of the change of a secret of a compose project, which docker/change-secret.sh carries out. Each step can be
 * repeated, and so can all of them from the first: the new secret is created once, and kept until `finish`.
 * @throws {Error} when there is no such secret or step, or the first step was left out.
 */
export function changeSecret(directory: string, name: string | undefined, step: string | undefined): void {
  const change = name !== undefined && Object.hasOwn(CHANGES, name) ? CHANGES[name] : undefined;
  const known = STEPS.find((candidate) => candidate === step);
  if (change === undefined || known === undefined)
    throw new Error(`expected ${Object.keys(CHANGES).join('|')} ${STEPS.join('|')}`);
  const files = openFiles(directory);
  const pending = `${change.file}.next`;
  if (known === 'add') files.create(pending);
  if (known === 'finish') files.remove(pending);
  else if (files.exists(pending)) change[known](files, files.read(pending));
  else throw new Error(`${pending} does not exist: begin with the step add`);
}

/**
 * Changes the secret of a client: auth accepts both, then the service uses the new one, then auth accepts only that one.
 */
function changeClientSecret(service: 'api' | 'mcp'): Change {
  const file = `auth/${service}-client-secret`;
  return {
    file,
    add: (files, next) => files.addLast(file, next),
    use: (files, next) => files.replace(`${service}/client-secret`, next),
    remove: (files, next) => files.replace(file, next),
  };
}

/**
 * Changes the key encryption key: each process knows the new key before the first one encrypts with it. The old key stays
 * in another file, because older backups of the database need it.
 */
function changeKeyEncryptionKey(): Change {
  const file = 'auth/key-encryption-key';
  const others = (files: Files, next: string) => files.readList(file).filter((key) => key !== next);
  return {
    file,
    add: (files, next) => files.addLast(file, next),
    use: (files, next) => files.replace(file, [next, ...others(files, next)].join(',')),
    remove(files, next) {
      for (const key of others(files, next)) files.append('auth/previous-key-encryption-keys', key);
      files.replace(file, next);
    },
  };
}

/**
 * Changes the password of a role of PostgreSQL. A role has one password, so meanwhile the service logs in with another role
 * that has the rights of the first (docker/change-role.sh).
 */
function changePassword(role: 'auth' | 'api'): Change {
  const file = `postgres/${role}-password`;
  const logInAs = (files: Files, user: string, password: string) => {
    const url = new URL(files.read(`${role}/database-url`));
    files.replace(`${role}/database-url`, Object.assign(url, { username: user, password }).href);
  };
  return {
    file,
    add: (files) => files.letPostgresRead(`${file}.next`),
    use: (files, next) => logInAs(files, `${role}_next`, next),
    remove(files, next) {
      files.replace(file, next);
      files.letPostgresRead(file);
      logInAs(files, role, next);
    },
  };
}

type Files = ReturnType<typeof openFiles>;

/** The files of secrets below `directory`, each in the volume of a service. */
function openFiles(directory: string) {
  const at = (path: string) => join(directory, path);
  const files = {
    exists: (path: string) => existsSync(at(path)),
    read(path: string): string {
      requirePrivateFile(at(path));
      return readFileSync(at(path), 'utf8').trim();
    },
    readList: (path: string) => files.read(path).split(/[\s,]+/),
    create(path: string): void {
      writePrivateFile(at(path), () => `${randomBytes(32).toString('base64url')}\n`);
    },
    replace: (path: string, content: string) => replacePrivateFile(at(path), `${content}\n`),
    /** Adds a secret after those that a file has, unless it is one of them. */
    addLast(path: string, secret: string): void {
      const secrets = files.readList(path);
      if (!secrets.includes(secret)) files.replace(path, [...secrets, secret].join(','));
    },
    /** Adds a line to a file, unless the file has it. */
    append(path: string, line: string): void {
      const lines = files.exists(path) ? files.readList(path) : [];
      if (!lines.includes(line)) files.replace(path, [...lines, line].join('\n'));
    },
    // compose adds the user of PostgreSQL to the group of these files
    letPostgresRead: (path: string) => chmodSync(at(path), 0o640),
    remove: (path: string) => rmSync(at(path), { force: true }),
  };
  return files;
}

if (import.meta.main) {
  const [name, step] = process.argv.slice(2);
  try {
    changeSecret('/secrets', name, step);
  } catch (error) {
    process.stderr.write(`change-secret: ${error instanceof Error ? error.message : error}\n`);
    process.exitCode = 1;
  }
}
