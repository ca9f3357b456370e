/** The result of checking one link between a client and its tools. */
export type Link = {
  readonly link: string;
  readonly outcome: 'passed' | 'warning' | 'failed' | 'skipped';
  readonly detail: string;
  /** What the operator can do about it. */
  readonly remedy?: string;
};

/** A link that is in order, and the value that later links need. A `warning` names a remedy for some clients. */
export type Finding<T = undefined> = { readonly value: T; readonly detail: string; readonly warning?: string };

/** A checked link. `get` throws `SkippedLinkError` unless the link is in order, which skips the links that need its value. */
type CheckedLink<T> = { readonly ok: boolean; readonly get: () => T };

/** The checked links, in order. */
export type Chain = {
  readonly links: readonly Link[];
  /** Checks the next link. `run` throws `BrokenLinkError` or `SkippedLinkError` unless the link is in order. */
  readonly check: <T>(link: string, run: () => Finding<T> | Promise<Finding<T>>) => Promise<CheckedLink<T>>;
  /** Replaces a secret in all later results. A server may repeat the secrets that it receives. */
  readonly conceal: (secret: string) => void;
};

/** Creates a chain without links. */
export function createChain(): Chain {
  const links: Link[] = [];
  const secrets = new Set<string>();

  return {
    links,
    async check(link, run) {
      try {
        const { value, detail, warning } = await run();
        record(link, warning === undefined ? 'passed' : 'warning', detail, warning);
        return { ok: true, get: () => value };
      } catch (error) {
        if (error instanceof BrokenLinkError) record(link, 'failed', error.message, error.remedy);
        else if (error instanceof SkippedLinkError) record(link, 'skipped', error.message, error.remedy);
        else throw error;
        return {
          ok: false,
          get() {
            throw new SkippedLinkError(`not checked: it needs ${link}`);
          },
        };
      }
    },
    conceal(secret) {
      if (secret !== '') secrets.add(secret);
    },
  };

  function record(link: string, outcome: Link['outcome'], detail: string, remedy: string | undefined): void {
    links.push({
      link,
      outcome,
      detail: replaceSecrets(detail),
      ...(remedy !== undefined && { remedy: replaceSecrets(remedy) }),
    });
  }

  function replaceSecrets(text: string): string {
    return [...secrets].reduce((rest, secret) => rest.replaceAll(secret, '[concealed]'), text);
  }
}

/** A link is broken. The message says what the doctor found, the remedy what the operator can do. */
export class BrokenLinkError extends Error {
  override readonly name = 'BrokenLinkError';
  readonly remedy: string;

  constructor(detail: string, remedy: string) {
    super(detail);
    this.remedy = remedy;
  }
}

/** A link cannot be checked. The message says why, the remedy what makes it possible. */
export class SkippedLinkError extends Error {
  override readonly name = 'SkippedLinkError';
  readonly remedy: string | undefined;

  constructor(detail: string, remedy?: string) {
    super(detail);
    this.remedy = remedy;
  }
}
