import { startIdleTimer, stopTimer, type Timer } from './env.js';

/** When recalled texts that their author may edit again are to be forgotten, by message id. */
export class ReEdits {
  readonly #due = new Map<string, number>();
  readonly #forget: (ids: string[]) => void;
  #timer: Timer | undefined;

  /** `forget` is called with the ids whose time is over. */
  constructor(forget: (ids: string[]) => void) {
    this.#forget = forget;
  }

  keep(id: string, ms: number): void {
    this.#due.set(id, Date.now() + ms);
    this.#arm();
  }

  drop(id: string): void {
    this.#due.delete(id);
  }

  clear(): void {
    this.#due.clear();
    this.#arm();
  }

  #arm(): void {
    stopTimer(this.#timer);
    this.#timer = undefined;
    if (this.#due.size === 0) return;
    const wait = Math.max(0, Math.min(...this.#due.values()) - Date.now());
    this.#timer = startIdleTimer(Math.min(wait, 2 ** 31 - 1), () => this.#run());
  }

  #run(): void {
    const now = Date.now();
    const over = [...this.#due].filter(([, due]) => due <= now).map(([id]) => id);
    for (const id of over) this.#due.delete(id);
    this.#arm();
    if (over.length > 0) this.#forget(over);
  }
}
