/** Storage in a browser's IndexedDB: one object store of texts. Also for workers, which have no localStorage. */
import { env } from './env.js';
import type { Storage } from './storage.js';

/** The parts of IndexedDB that are used. A browser's own `indexedDB` fits. */
export interface IndexedDbFactory {
  open(name: string, version?: number): any;
}

const STORE = 'values';

export class IndexedDbStorage implements Storage {
  readonly #name: string;
  readonly #factory: IndexedDbFactory;
  #opening: Promise<any> | undefined;

  /** `name` of the database; it is made at the first use. */
  constructor(name = 'recall', factory: IndexedDbFactory | undefined = env.indexedDB) {
    if (!factory) throw new TypeError('there is no indexedDB here: pass one');
    this.#name = name;
    this.#factory = factory;
  }

  async get(key: string): Promise<string | null> {
    const value: unknown = await this.#run('readonly', (store) => store.get(key));
    return typeof value === 'string' ? value : null;
  }

  async set(key: string, value: string): Promise<void> {
    await this.#run('readwrite', (store) => store.put(value, key));
  }

  async remove(key: string): Promise<void> {
    await this.#run('readwrite', (store) => store.delete(key));
  }

  /** Closes the database; another use opens it again. */
  async close(): Promise<void> {
    const opening = this.#opening;
    this.#opening = undefined;
    (await opening?.catch(() => undefined))?.close();
  }

  /** One request in one transaction; resolves when that is complete, so that a `set` was written. */
  async #run(mode: 'readonly' | 'readwrite', act: (store: any) => any): Promise<unknown> {
    const transaction = await this.#begin(mode);
    return new Promise((resolve, reject) => {
      const request = act(transaction.objectStore(STORE));
      transaction.oncomplete = () => resolve(request.result);
      transaction.onabort = () => reject(transaction.error ?? request.error ?? new Error('the transaction was aborted'));
    });
  }

  async #begin(mode: 'readonly' | 'readwrite'): Promise<any> {
    const open = await this.#open();
    try {
      return open.transaction(STORE, mode);
    } catch {
      // Closed under us: by a newer version in another tab, or by the browser after a sleep.
      this.#opening = undefined;
      return (await this.#open()).transaction(STORE, mode);
    }
  }

  #open(): Promise<any> {
    this.#opening ??= new Promise<any>((resolve, reject) => {
      const request = this.#factory.open(this.#name, 1);
      request.onupgradeneeded = () => request.result.createObjectStore(STORE);
      request.onerror = () => reject(request.error);
      request.onsuccess = () => {
        const database = request.result;
        database.onclose = () => {
          this.#opening = undefined;
        };
        // Somebody deletes it or brings a newer one: do not stand in the way.
        database.onversionchange = () => {
          database.close();
          this.#opening = undefined;
        };
        resolve(database);
      };
    }).catch((reason: unknown) => {
      this.#opening = undefined;
      throw reason;
    });
    return this.#opening;
  }
}
