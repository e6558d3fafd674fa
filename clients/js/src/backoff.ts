export interface BackoffOptions {
  /** Upper bound of the first delay; default 500 ms. */
  minMS?: number;
  /** Upper bound of every delay; default 30,000 ms. */
  maxMS?: number;
}

/**
 * Delays between attempts: the bound doubles from `minMS` to `maxMS`, and each delay is drawn from the upper three
 * quarters below the bound, so that clients thrown out together come back spread out, and none hammers.
 */
export class Backoff {
  readonly #minMS: number;
  readonly #maxMS: number;
  readonly #random: () => number;
  #attempt = 0;

  constructor(options: BackoffOptions = {}, random: () => number = Math.random) {
    this.#minMS = Math.max(1, options.minMS ?? 500);
    this.#maxMS = Math.max(this.#minMS, options.maxMS ?? 30_000);
    this.#random = random;
  }

  /** Attempts since the last reset. */
  get attempt(): number {
    return this.#attempt;
  }

  /** The next delay in ms. */
  next(): number {
    const bound = Math.min(this.#maxMS, this.#minMS * 2 ** Math.min(this.#attempt, 30));
    this.#attempt += 1;
    return Math.round(bound * (0.25 + 0.75 * this.#random()));
  }

  reset(): void {
    this.#attempt = 0;
  }
}
