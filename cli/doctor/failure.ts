/** A link does not hold: what was found, and what to do about it. */
export class Broken extends Error {
  override readonly name = 'Broken';
  readonly remedy: string;

  constructor(detail: string, remedy: string) {
    super(detail);
    this.remedy = remedy;
  }
}

/** A link was not followed: why, and what would let it be. */
export class NotTried extends Error {
  override readonly name = 'NotTried';
  readonly remedy: string | undefined;

  constructor(detail: string, remedy?: string) {
    super(detail);
    this.remedy = remedy;
  }
}
