/** What the doctor says of one link between a client and its tools. */
export type Link = {
  readonly link: string;
  readonly outcome: 'passed' | 'warning' | 'failed' | 'skipped';
  readonly detail: string;
  /** What to do about it. */
  readonly remedy?: string;
};

/** What a link that holds was found to be; with a `warning` it does not hold for everybody, and that says what to do. */
export type Finding<T = undefined> = { readonly found: T; readonly detail: string; readonly warning?: string };

/** A link that was followed. `get` throws `LinkNotTriedError` when it does not hold, so that what needs it is not tried either. */
type Followed<T> = { readonly holds: boolean; readonly get: () => T };

/** The links that were followed so far, in order. */
export type Chain = {
  readonly links: readonly Link[];
  /** Follows the next link. `examine` throws `BrokenLinkError` or `LinkNotTriedError` when it does not hold. */
  readonly follow: <T>(link: string, examine: () => Finding<T> | Promise<Finding<T>>) => Promise<Followed<T>>;
  /** Keeps a secret, which a server may repeat, out of all that is said from now on. */
  readonly conceal: (secret: string) => void;
};

/** Creates a chain without links. */
export function createChain(): Chain {
  const links: Link[] = [];
  const secrets = new Set<string>();

  return {
    links,
    async follow(link, examine) {
      try {
        const { found, detail, warning } = await examine();
        record(link, warning === undefined ? 'passed' : 'warning', detail, warning);
        return { holds: true, get: () => found };
      } catch (error) {
        if (error instanceof BrokenLinkError) record(link, 'failed', error.message, error.remedy);
        else if (error instanceof LinkNotTriedError) record(link, 'skipped', error.message, error.remedy);
        else throw error;
        return {
          holds: false,
          get() {
            throw new LinkNotTriedError(`waits for ${link}`);
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
      detail: concealed(detail),
      ...(remedy !== undefined && { remedy: concealed(remedy) }),
    });
  }

  function concealed(text: string): string {
    return [...secrets].reduce((rest, secret) => rest.replaceAll(secret, '[concealed]'), text);
  }
}

/** A link does not hold: what was found, and what to do about it. */
export class BrokenLinkError extends Error {
  override readonly name = 'BrokenLinkError';
  readonly remedy: string;

  constructor(detail: string, remedy: string) {
    super(detail);
    this.remedy = remedy;
  }
}

/** A link was not followed: why, and what would let it be. */
export class LinkNotTriedError extends Error {
  override readonly name = 'LinkNotTriedError';
  readonly remedy: string | undefined;

  constructor(detail: string, remedy?: string) {
    super(detail);
    this.remedy = remedy;
  }
}
