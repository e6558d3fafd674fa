import type { BackoffOptions } from './backoff.js';
import type { FetchLike, WebSocketConstructor } from './env.js';
import type { RecallError } from './errors.js';
import type { Storage } from './storage.js';
import type {
  ByeFrame, EventFrame, ExpiringFrame, Forget, RecallProgress, ResetFrame, SignalFrame, State, StateInfo,
} from './types.js';

export interface RecallClientOptions {
  /** The socket's address, as `wss://chat.example.com/ws`. */
  url: string;
  /** Where the HTTP calls go; default: beside `url`. */
  httpUrl?: string;
  /** Names the app; public. */
  clientKey: string;
  /** The user's token, or a function that gets one: asked at first, before a token expires and when one is refused. */
  token: string | (() => Promise<string>);
  /** A stable id of this device; default: one that is made by the server and kept in `storage`. */
  device?: string;
  /** What this client can do; default `recall`, `quote` and `ack`. */
  caps?: string[];
  /** Default: the global one. Node before 22 has none; pass the `ws` package's. */
  WebSocket?: WebSocketConstructor;
  /** Default: the global one. */
  fetch?: FetchLike;
  /** Where cursors and tombstones survive a restart; default: memory, which forgets them. */
  storage?: Storage;
  backoff?: BackoffOptions;
  /** How long the author may keep a recalled text for editing it again, ms; default 120,000. */
  reEditMS?: number;
  /** How long a send, a recall or an HTTP call may go unanswered, ms, reconnects included; default 20,000. */
  timeoutMS?: number;
  /** How long a ping may stay unanswered before the connection counts as dead, ms; default 8,000. */
  pongTimeoutMS?: number;
  /** From the start of a connection to `ready`, ms; default 10,000. */
  connectTimeoutMS?: number;
  /** The oldest items leave a list beyond this many; default 2,000. */
  maxItems?: number;
  /**
   * Called with each event and each reset, in order per room, for an app that keeps messages itself: only after it (and
   * its promise) ends does the event count as applied and is acked. Answering false, or throwing, refuses the event.
   */
  apply?: (frame: EventFrame | ResetFrame) => boolean | void | Promise<boolean | void>;
}

export type RecallClientEvents = {
  state: [state: State, info: StateInfo];
  /** Every event, after the room's list has applied it. The ones below it by their type. */
  event: [event: EventFrame];
  message: [event: EventFrame];
  recall: [event: EventFrame];
  edit: [event: EventFrame];
  room: [event: EventFrame];
  signal: [signal: SignalFrame];
  /** The signal that tells on how many devices a recall was applied; `ledger()` tells on which. */
  recallProgress: [progress: RecallProgress];
  /** A room is loaded anew: its log does not reach back far enough. */
  reset: [reset: ResetFrame];
  /** The token is about to expire. With a token function it is renewed without further ado, else call setToken(). */
  expiring: [expiring: ExpiringFrame];
  bye: [bye: ByeFrame];
  /** Notifications and cached media of a recalled message are to be withdrawn. */
  forget: [forget: Forget];
  /** Something failed that no call can report. */
  error: [error: RecallError];
};
