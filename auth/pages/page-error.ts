/** A person cannot go on: the page says why, and what to do. */
export class PageError extends Error {
  override readonly name = 'PageError';
  readonly status: number;
  readonly advice: string;
  readonly retryAfterSeconds: number | undefined;

  constructor(
    status: number,
    title: string,
    advice: string,
    { retryAfterSeconds, cause }: { retryAfterSeconds?: number; cause?: unknown } = {},
  ) {
    super(title, { cause });
    this.status = status;
    this.advice = advice;
    this.retryAfterSeconds = retryAfterSeconds;
  }

  /** What is wrong, and what to do. */
  get text(): string {
    return `${this.message}. ${this.advice}`;
  }
}
