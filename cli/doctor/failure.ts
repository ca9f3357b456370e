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
