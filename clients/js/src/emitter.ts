import { startTimer } from './env.js';

/** Listeners by name. A listener that throws disturbs neither the others nor the client. */
export class Emitter<Events extends Record<string, unknown[]>> {
  readonly #listeners = new Map<keyof Events, ((...args: any[]) => void)[]>();

  /** Calls `listener` on each `name`; the function returned ends that. */
  on<Name extends keyof Events>(name: Name, listener: (...args: Events[Name]) => void): () => void {
    this.#listeners.set(name, [...(this.#listeners.get(name) ?? []), listener]);
    return () => this.off(name, listener);
  }

  off<Name extends keyof Events>(name: Name, listener: (...args: Events[Name]) => void): void {
    const rest = (this.#listeners.get(name) ?? []).filter((one) => one !== listener);
    if (rest.length > 0) this.#listeners.set(name, rest);
    else this.#listeners.delete(name);
  }

  protected emit<Name extends keyof Events>(name: Name, ...args: Events[Name]): void {
    for (const listener of this.#listeners.get(name) ?? []) {
      try {
        listener(...args);
      } catch (error) {
        // The event is applied whatever an app's listener does; its fault surfaces as an uncaught one.
        startTimer(0, () => {
          throw error;
        });
      }
    }
  }
}
