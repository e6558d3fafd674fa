import { RecallError } from './errors.js';

/** The user's token, and where to get another. */
export class Tokens {
  #source: string | (() => Promise<string>);
  #current: string | undefined;
  #asking: Promise<string> | undefined;

  constructor(source: string | (() => Promise<string>)) {
    this.#source = source;
  }

  /** Whether another token can be had: the source is a function. */
  get renewable(): boolean {
    return typeof this.#source === 'function';
  }

  /** The last token, if there was one. */
  get current(): string | undefined {
    return typeof this.#source === 'string' ? this.#source : this.#current;
  }

  /** The token in use; with `renew`, or at first, a new one from the function. Callers at one time share an answer. */
  async get(renew = false): Promise<string> {
    const source = this.#source;
    if (typeof source === 'string') return source;
    if (this.#current !== undefined && !renew) return this.#current;
    this.#asking ??= this.#ask(source).finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  /** Replaces the token (where the source is a function: until that is asked again). */
  set(token: string): void {
    if (typeof this.#source === 'string') this.#source = token;
    this.#current = token;
  }

  async #ask(source: () => Promise<string>): Promise<string> {
    let token: unknown;
    try {
      token = await source();
    } catch (reason) {
      throw new RecallError('TOKEN', 'the token function failed', { reason });
    }
    if (typeof token !== 'string' || token === '') {
      throw new RecallError('TOKEN', 'the token function answered no token');
    }
    this.#current = token;
    return token;
  }
}
