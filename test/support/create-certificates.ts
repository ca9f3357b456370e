import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

/** A certificate and its key, as files in PEM. */
type Certificate = { readonly certificate: string; readonly key: string };

/** A certification authority in a directory of a test. */
export type CertificationAuthority = Certificate & {
  /** Issues a certificate with `name` as common name and as DNS name. */
  readonly issue: (name: string) => Certificate;
};

/** Creates a certification authority and its files, named after `name`, in `directory`. It needs `openssl`. */
export function createCertificationAuthority(directory: string, name: string): CertificationAuthority {
  const authority = request(name, ['-addext', 'basicConstraints=critical,CA:TRUE']);
  return {
    ...authority,
    issue: (subject) =>
      request(subject, [
        ...['-CA', authority.certificate, '-CAkey', authority.key],
        ...['-addext', `subjectAltName=DNS:${subject}`, '-addext', 'basicConstraints=critical,CA:FALSE'],
      ]),
  };

  function request(subject: string, more: readonly string[]): Certificate {
    const file = join(directory, `${name}-${subject}`);
    const [certificate, key] = [`${file}.crt`, `${file}.key`];
    execFileSync(
      'openssl',
      [
        ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'],
        ...['-subj', `/CN=${subject}`, '-out', certificate, '-keyout', key, ...more],
      ],
      { stdio: 'pipe' },
    );
    return { certificate, key };
  }
}
