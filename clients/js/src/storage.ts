import { env } from './env.js';

/**
 * Where cursors, tombstones and the device id survive a restart. Keys and values are short texts; message bodies
 * are never stored. Each call may answer at once or with a promise.
 */
export interface Storage {
  get(key: string): string | null | undefined | Promise<string | null | undefined>;
  set(key: string, value: string): void | Promise<void>;
  remove(key: string): void | Promise<void>;
}

/** Forgets everything when the process or page ends. */
export class MemoryStorage implements Storage {
  readonly #values = new Map<string, string>();

  get(key: string): string | null {
    return this.#values.get(key) ?? null;
  }

  set(key: string, value: string): void {
    this.#values.set(key, value);
  }

  remove(key: string): void {
    this.#values.delete(key);
  }
}

/** The shape that a browser's `localStorage` and React Native's `AsyncStorage` have in common. */
export interface ItemStore {
  getItem(key: string): string | null | Promise<string | null>;
  setItem(key: string, value: string): void | Promise<void>;
  removeItem(key: string): void | Promise<void>;
}

/** Over `localStorage` (the default), `sessionStorage` or an `AsyncStorage` given. */
export class ItemStorage implements Storage {
  readonly #store: ItemStore;
  readonly #prefix: string;

  constructor(store: ItemStore | undefined = env.localStorage as ItemStore | undefined, prefix = 'recall:') {
    if (!store) throw new TypeError('there is no localStorage here: pass a store');
    this.#store = store;
    this.#prefix = prefix;
  }

  get(key: string): string | null | Promise<string | null> {
    return this.#store.getItem(this.#prefix + key);
  }

  set(key: string, value: string): void | Promise<void> {
    return this.#store.setItem(this.#prefix + key, value);
  }

  remove(key: string): void | Promise<void> {
    return this.#store.removeItem(this.#prefix + key);
  }
}

/** The browser's `localStorage`. */
export class LocalStorage extends ItemStorage {
  constructor(prefix = 'recall:') {
    super(undefined, prefix);
  }
}
