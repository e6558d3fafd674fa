export { Backoff, type BackoffOptions } from './backoff.js';
export { RecallClient } from './client.js';
export type { FetchLike, ResponseLike, WebSocketConstructor, WebSocketLike } from './env.js';
export { RecallError } from './errors.js';
export { IndexedDbStorage, type IndexedDbFactory } from './indexeddb.js';
export { MessageList, type MessageListOptions } from './list.js';
export type { RecallClientEvents, RecallClientOptions } from './options.js';
export { ItemStorage, LocalStorage, MemoryStorage, type ItemStore, type Storage } from './storage.js';
export type * from './types.js';
