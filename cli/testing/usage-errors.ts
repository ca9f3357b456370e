/** A word that stands for a misplaced secret. No message may repeat it. */
export const SECRET = 'v3ryS3cretWord';

/** Command lines that are wrong, each with its message. */
export const USAGE_ERRORS: readonly (readonly [words: readonly string[], message: string])[] = [
  [[], 'A command is missing'],
  [['--json'], 'A command is missing'],
  [[SECRET], 'There is no such command'],
  [[`--${SECRET}`], '`yata` got an unknown option'],
  [['clients'], '`clients` needs a command'],
  [['tokens', SECRET], '`tokens` has no such command'],
  [['clients', 'list', `--${SECRET}`], '`clients list` got an unknown option'],
  [['clients', 'list', `-${SECRET}`], '`clients list` got an unknown option'],
  [['clients', 'list', '--wait'], '`clients list` has no option --wait'],
  [['clients', 'list', `--client=${SECRET}`], '`clients list` has no option --client'],
  [['tokens', 'revoke', '--wait=yes', '--client', 'demo'], '`tokens revoke` got an unknown option'],
  [['start', '--json'], '`start` has no option --json'],
  [['clients', 'list', SECRET], '`clients list` takes no arguments, got 1'],
  [['clients', 'show', 'demo', SECRET], '`clients show` takes 1 argument, got 2'],
  [['start', SECRET], '`start` takes no arguments, got 1'],
  [['audit', SECRET], '`audit` takes no arguments, got 1'],
  [['clients', 'show'], '`clients show` needs the argument ID'],
  [['clients', 'set-scope', 'demo'], '`clients set-scope` needs the argument SCOPE...'],
  [['clients', 'show', ''], 'ID is empty. Is a shell variable not set?'],
  [['clients', 'set-scope', 'demo', ''], 'SCOPE is empty. Is a shell variable not set?'],
  [['tokens', 'revoke', ''], 'TOKEN is empty. Is a shell variable not set?'],
  [['tokens', 'revoke', '--client', ''], '--client is empty. Is a shell variable not set?'],
  [['tokens', 'revoke', '--client='], '--client is empty. Is a shell variable not set?'],
  [
    ['clients', 'create', '--name', 'a', '--scope', 'admin', '--resource', 'http://a.example', '--resource', ''],
    '--resource is empty. Is a shell variable not set?',
  ],
  [['clients', 'create', '--name', 'a'], '`clients create` needs the option --scope SCOPES'],
  [
    ['tokens', 'revoke', '--client'],
    '--client needs a value. A value that begins with a dash is written --client=VALUE',
  ],
  [['tokens', 'revoke', '--client', 'demo', '--client', SECRET], '--client is given twice'],
  [['tokens', 'revoke', '-', '--wait', '--wait', '--wait'], '--wait is given 3 times'],
  [['tokens', 'revoke'], '`tokens revoke` expects either TOKEN or --client ID'],
  [['tokens', 'revoke', SECRET, '--client', 'demo'], '`tokens revoke` expects either TOKEN or --client ID'],
  [['tokens', 'revoke', '-'], 'TOKEN is -, but stdin is empty'],
  [
    ['clients', 'rotate-secret', 'demo', '--overlap', SECRET],
    '--overlap: expected a duration such as 90s, 30m, 24h or 7d',
  ],
  [
    ['clients', 'create', '--name', 'a', '--scope', 'admin', '--public-keys', SECRET],
    '--public-keys: expected a readable file with a JWK Set (JSON)',
  ],
  [['clients', 'create', '--name', 'a', '--scope', 'admin', '--if-absent'], '--if-absent: expected --id too'],
  [
    ['clients', 'create', '--name', 'a', '--scope', 'admin', '--secret-file', SECRET],
    '--secret-file: expected a readable file with a secret',
  ],
  [
    ['clients', 'create', '--name', 'a', '--scope', 'admin', '--secret-file', '-'],
    '--secret-file is -: expected a secret on stdin',
  ],
  [
    ['clients', 'create', '--name', 'a', '--scope', 'admin', '--secret-file', '-', '--public-keys', SECRET],
    '--secret-file: expected no --public-keys, because a client has a secret or keys',
  ],
  [['clients', 'set-keys', 'demo'], '`clients set-keys` needs the argument JWKS-FILE'],
  [['clients', 'set-keys', 'demo', SECRET], 'JWKS-FILE: expected a readable file with a JWK Set (JSON)'],
  [['clients', 'set-keys', 'demo', '-'], 'JWKS-FILE is -: expected a JWK Set (JSON) on stdin'],
  [
    ['clients', 'set-keys', 'demo', '-', '--overlap', SECRET],
    '--overlap: expected a duration such as 90s, 30m, 24h or 7d',
  ],
  [
    ['doctor', `http://user:${SECRET}@localhost/mcp`],
    'URL: expected an http or https URL without user name, password and fragment',
  ],
  [['doctor', SECRET], 'URL: expected an http or https URL without user name, password and fragment'],
];
