/**
 * The client: one user on one device. It keeps a connection alive, follows rooms from where they were applied last,
 * applies what arrives to the rooms' lists, and tells the server what was applied.
 */
import { Acks } from './acks.js';
import { Backoff } from './backoff.js';
import { Connection, type ConnectionEnd } from './connection.js';
import { Emitter } from './emitter.js';
import { env, randomId, startTimer, stopTimer, type Timer } from './env.js';
import { envelopeError, RecallError } from './errors.js';
import { Http, httpUrlOf, queryOf } from './http.js';
import { Inbox } from './inbox.js';
import { MessageList } from './list.js';
import type { RecallClientEvents, RecallClientOptions } from './options.js';
import { Requests } from './requests.js';
import { Rooms } from './rooms.js';
import { MemoryStorage } from './storage.js';
import { Subscriptions } from './subscriptions.js';
import { Tokens } from './tokens.js';
import type {
  ByeFrame, ExpiringFrame, Frame, HistoryOptions, HistoryPage, Ledger, Message, ReadyFrame, RecallOptions, RecallProgress,
  Room, SendOptions, SignalFrame, State, StateInfo, SubscribedRoom, User,
} from './types.js';
import { watchWake } from './wake.js';

/** A connection that lived this long was a good one: the next delay starts small again. */
const STABLE_MS = 10_000;
/** After these no further attempt is made: forbidden; the same device is connected elsewhere. */
const FINAL = [4403, 4409];
/** One of our own frames may have caused these: what had gone out is not sent again. */
const OUR_FAULT = [1003, 1007, 1009, 4400, 4413];
/** Refusals of a room after which its cursor is of no use. */
const LEFT = ['NOT_ROOM_MEMBER', 'ROOM_NOT_FOUND'];
const TOKEN_REFUSED = 4401;
const RENEW_RETRY_MS = 5000;

export class RecallClient extends Emitter<RecallClientEvents> {
  readonly #options: RecallClientOptions;
  readonly #tokens: Tokens;
  readonly #http: Http;
  readonly #rooms: Rooms;
  readonly #requests: Requests;
  readonly #subscriptions: Subscriptions;
  readonly #acks: Acks;
  readonly #inbox: Inbox;
  readonly #backoff: Backoff;
  #state: State = 'offline';
  #user: User | undefined;
  #connection: Connection | undefined;
  /** Counts attempts and ends; what was awaited for an earlier one is dropped. */
  #attempt = 0;
  #online = false;
  #synced = false;
  #heardMS = 0;
  #readyMS = 0;
  #clockOffsetMS = 0;
  #bye: ByeFrame | undefined;
  #byeTimer: Timer | undefined;
  #retry: Timer | undefined;
  #renewTimer: Timer | undefined;
  /** The next attempt asks for another token; set after one was refused, and only once until a `ready`. */
  #renew = false;
  #renewed = false;
  /** The token that the connection was authenticated with. */
  #authToken: string | undefined;
  #waiting: { resolve(): void; reject(error: RecallError): void }[] = [];
  #stopWatching: (() => void) | undefined;

  constructor(options: RecallClientOptions) {
    super();
    this.#options = options;
    const timeoutMS = options.timeoutMS ?? 20_000;
    this.#tokens = new Tokens(options.token);
    const tokens = this.#tokens;
    this.#http = new Http({
      baseUrl: (options.httpUrl ?? httpUrlOf(options.url)).replace(/\/+$/, ''),
      clientKey: options.clientKey,
      fetch: options.fetch,
      timeoutMS,
      token: (renew) => tokens.get(renew),
      get renewable() {
        return tokens.renewable;
      },
    });
    this.#backoff = new Backoff(options.backoff);
    this.#rooms = new Rooms(options.storage ?? new MemoryStorage(), (error) => this.emit('error', error));
    this.#requests = new Requests(timeoutMS, (text) => this.#online && !this.#bye && this.#connection!.sendText(text));
    this.#acks = new Acks((frame) => this.#online && this.#synced && this.#connection!.send(frame));
    this.#inbox = new Inbox({
      rooms: this.#rooms,
      acks: this.#acks,
      apply: options.apply,
      stopped: () => this.#state === 'closed' || this.#state === 'offline',
      onEvent: (event) => {
        this.emit('event', event);
        const { type } = event;
        if (type === 'message' || type === 'recall' || type === 'edit' || type === 'room') this.emit(type, event);
      },
      onReset: (reset) => this.emit('reset', reset),
      onForget: (forget) => this.emit('forget', forget),
      onError: (error) => this.emit('error', error),
    });
    this.#subscriptions = new Subscriptions({
      requests: this.#requests,
      rooms: this.#rooms,
      timeoutMS,
      online: () => this.#online && !this.#bye,
      heardMS: () => this.#heardMS,
      onRoom: (room) => this.#followed(room),
      onSynced: () => {
        if (this.#synced) return;
        this.#synced = true;
        this.#acks.resume();
      },
      onRetry: (error) => {
        this.emit('error', error);
        this.#connection?.close();
        this.#ended({ code: 1013, reason: error.message }, error.retryAfter);
      },
    });
  }

  get state(): State {
    return this.#state;
  }

  /** The authenticated user, once known. */
  get user(): User | undefined {
    return this.#user;
  }

  /**
   * Connects and keeps connected. Resolves with the first `ready`; rejects where no attempt will help (token refused,
   * forbidden, device connected elsewhere) or after close(). Until then it goes on trying.
   */
  connect(): Promise<void> {
    if (this.#online) return Promise.resolve();
    const ready = new Promise<void>((resolve, reject) => this.#waiting.push({ resolve, reject }));
    if (this.#state === 'offline' || this.#state === 'closed') {
      this.#stopWatching ??= watchWake(() => this.wake(), () => void this.#rooms.flush());
      this.#renew = this.#renewed = false;
      this.#backoff.reset();
      this.#rooms.rewind();
      void this.#start();
    }
    return ready;
  }

  /** Ends the connection for good (connect() starts anew). Waiting requests fail; what is stored is written. */
  close(): void {
    if (this.#state === 'offline' || this.#state === 'closed') return;
    this.#stop({ reason: 'close() was called' }, new RecallError('CLOSED', 'the client was closed'));
  }

  /** The device woke up or came to another network: look at once whether the connection lives. */
  wake(): void {
    if (this.#online) this.#connection?.probe();
    else if (this.#state === 'waiting' && this.#retry !== undefined && !this.#bye) {
      stopTimer(this.#retry);
      this.#retry = startTimer(Math.random() * 500, () => void this.#start());
    }
  }

  /** Follows rooms, now and after each reconnect. Resolves with one entry per room, `error` in those refused. */
  subscribe(rooms: string[]): Promise<SubscribedRoom[]> {
    return this.#subscriptions.follow(rooms);
  }

  /** Follows every room of the user, rooms joined later, and what is sent to the user directly or to all. */
  subscribeAll(): Promise<SubscribedRoom[]> {
    return this.#subscriptions.follow(null);
  }

  unsubscribe(rooms: string[]): Promise<void> {
    return this.#subscriptions.unfollow(rooms);
  }

  /** Sends a message; across a reconnect it is sent again under the same clientMsgId, and so stored once. */
  send(room: string, options: SendOptions): Promise<Message> {
    const { clientMsgId = randomId(), messageType = 'text', ...rest } = options;
    return this.#requests.request({ ...rest, op: 'send', room, clientMsgId, messageType }) as Promise<Message>;
  }

  /** Recalls a message. Resolves with the message as it is after the recall. */
  recall(room: string, id: string, options: RecallOptions = {}): Promise<Message> {
    return this.#requests.request({ ...options, op: 'recall', room, _id: id }) as Promise<Message>;
  }

  /** Tells the room that this user is typing; dropped without a connection. */
  typing(room: string): void {
    if (this.#online) this.#connection?.send({ op: 'typing', room });
  }

  history(room: string, options: HistoryOptions = {}): Promise<HistoryPage> {
    return this.#http.call('GET', `${roomPath(room)}/messages/v3${queryOf({ ...options })}`);
  }

  /** The user's rooms; lists that exist take unread count and last line from them. */
  async rooms(): Promise<Room[]> {
    const result = await this.#http.call<Room[] | { data?: Room[] }>('GET', '/rooms');
    const rooms = Array.isArray(result) ? result : result.data ?? [];
    for (const room of rooms) this.#rooms.state(room._id).list?.seed(room);
    return rooms;
  }

  /** One room with its members. */
  async roomInfo(room: string): Promise<Room> {
    const result = await this.#http.call<Room>('GET', roomPath(room));
    this.#rooms.state(room).list?.seed(result);
    return result;
  }

  /** This user has read the room up to message `id`. */
  async markRead(room: string, id: string): Promise<{ client: string; lastRead: string; badge: number }> {
    type Read = { client: string; lastRead: string; badge: number };
    const result = await this.#http.call<Read>('PUT', `${roomPath(room)}/lastRead`, { message: id });
    this.#rooms.state(room).list?.markedRead(id, result.badge);
    return result;
  }

  /**
   * What became of a recall, device by device: for the recaller and the room's owner and managers. `after` is the former
   * page's `next`. That a device acked is that device's word.
   */
  ledger(room: string, id: string, page: { limit?: number; after?: string } = {}): Promise<Ledger> {
    return this.#http.call('GET', `${roomPath(room)}/messages/${encodeURIComponent(id)}/recall${queryOf({ ...page })}`);
  }

  /** The list of a room; the same object each time. */
  room(room: string): MessageList {
    const state = this.#rooms.state(room);
    if (state.list) return state.list;
    const { reEditMS, maxItems } = this.#options;
    const list = new MessageList({
      room,
      user: () => this.#user?._id,
      now: () => Date.now() + this.#clockOffset(),
      history: (options) => this.history(room, options),
      log: state.log,
      // Not on a connection: what lies between the cache and now would not be replayed.
      rewind: (to) => !this.#online && this.#rooms.rewindTo(room, to),
      ...(reEditMS === undefined ? {} : { reEditMS }),
      ...(maxItems === undefined ? {} : { maxItems }),
    });
    list.on('forget', (forget) => this.emit('forget', forget));
    state.list = list;
    return list;
  }

  /** Takes another token into use, also on the present connection. */
  async setToken(token: string): Promise<void> {
    this.#tokens.set(token);
    if (!this.#online) return;
    this.#authToken = token;
    await this.#requests.request({ op: 'auth', ...this.#auth(token) }, true);
  }

  /** Writes cursors and tombstones to the storage now, as before the app goes to the background. */
  flush(): Promise<void> {
    return this.#rooms.flush();
  }

  #clockOffset(): number {
    return this.#connection?.clockOffsetMS ?? this.#clockOffsetMS;
  }

  #auth(token: string, device = this.#options.device): Record<string, unknown> {
    const caps = this.#options.caps ?? ['recall', 'quote', 'ack'];
    return { clientKey: this.#options.clientKey, token, ...(device ? { device } : {}), caps };
  }

  #setState(state: State, info: StateInfo = {}): void {
    this.#state = state;
    this.emit('state', state, info);
  }

  async #start(): Promise<void> {
    const attempt = ++this.#attempt;
    this.#retry = undefined;
    this.#bye = undefined;
    this.#setState('connecting');
    if (attempt !== this.#attempt) return;
    const WebSocket = this.#options.WebSocket ?? env.WebSocket;
    if (!WebSocket) {
      const error = new RecallError('NETWORK', 'there is no WebSocket here: pass one');
      this.#stop({ reason: error.message }, error);
      return;
    }
    const renew = this.#renew;
    let token: string;
    let device: string | undefined;
    try {
      token = await this.#tokens.get(renew);
      device = this.#options.device ?? (await this.#rooms.load(this.#deviceKey()));
    } catch (error) {
      if (attempt !== this.#attempt) return;
      this.emit('error', error as RecallError);
      this.#wait(this.#backoff.next(), { reason: (error as Error).message });
      return;
    }
    if (attempt !== this.#attempt) return;
    this.#renew = false;
    this.#authToken = token;
    this.#connection = new Connection({
      url: this.#options.url,
      WebSocket,
      auth: this.#auth(token, device),
      connectTimeoutMS: this.#options.connectTimeoutMS ?? 10_000,
      pongTimeoutMS: this.#options.pongTimeoutMS ?? 8000,
      onReady: (ready) => void this.#ready(ready),
      onFrame: (frame) => this.#frame(frame),
      onEnd: (end) => this.#ended(end),
    });
  }

  #deviceKey(): string {
    return `${this.#options.clientKey}:device`;
  }

  async #ready(ready: ReadyFrame): Promise<void> {
    const attempt = this.#attempt;
    this.#heardMS = this.#readyMS = Date.now();
    if (this.#user && this.#user._id !== ready.user._id) this.#acks.clear();
    this.#user = ready.user;
    this.#renewed = false;
    if (ready.limits?.frame) this.#requests.frameLimit = ready.limits.frame;
    if (ready.device && !this.#options.device) void this.#rooms.store(this.#deviceKey(), ready.device);
    await this.#rooms.open(`${this.#options.clientKey}:${ready.user._id}:`);
    if (attempt !== this.#attempt || !this.#connection?.ready) return;
    this.#online = true;
    this.#setState('online', { user: ready.user });
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const one of waiting) one.resolve();
    if (!this.#online) return;
    // Rooms first, so that what these requests cause is seen.
    this.#subscriptions.sync();
    this.#requests.resume();
    // A token that was renewed while this connection was made.
    const token = this.#tokens.current;
    if (token !== undefined && token !== this.#authToken) await this.setToken(token).catch(() => undefined);
  }

  #frame(frame: Frame): void {
    this.#heardMS = Date.now();
    switch (frame.op) {
      case 'event':
        this.#inbox.event(frame);
        break;
      case 'reset':
        this.#inbox.reset(frame);
        break;
      case 'signal':
        this.#inbox.signal(frame);
        this.emit('signal', frame as unknown as SignalFrame);
        if (isProgress(frame)) this.emit('recallProgress', frame);
        break;
      case 'reply':
        // An error that answers no request is about a frame that expects no reply, such as an ack.
        if (!this.#requests.answer(frame) && frame['RC'] !== 0) this.emit('error', envelopeError(frame));
        break;
      case 'ready':
        // The answer to an `auth` that renewed the token.
        this.#requests.answer({ op: 'reply', id: frame.id ?? -1, RC: 0, result: frame });
        break;
      case 'expiring':
        this.emit('expiring', frame as unknown as ExpiringFrame);
        if (this.#tokens.renewable) void this.#renewToken();
        break;
      case 'bye':
        this.#leaving(frame as unknown as ByeFrame);
        break;
    }
  }

  async #renewToken(): Promise<void> {
    const attempt = this.#attempt;
    try {
      const token = await this.#tokens.get(true);
      if (attempt === this.#attempt && this.#online) await this.setToken(token);
    } catch (error) {
      if (attempt !== this.#attempt || !this.#online) return;
      this.emit('error', error as RecallError);
      // Until the token ends, and the server closes with it, another try may do.
      stopTimer(this.#renewTimer);
      this.#renewTimer = startTimer(RENEW_RETRY_MS, () => void this.#renewToken());
    }
  }

  /** The server is leaving: what is under way is still answered, new requests wait for the next connection. */
  #leaving(bye: ByeFrame): void {
    this.emit('bye', bye);
    if (typeof bye.reconnectMS !== 'number') return;
    this.#bye = bye;
    const attempt = this.#attempt;
    this.#byeTimer = startTimer(bye.reconnectMS, () => {
      if (attempt !== this.#attempt) return;
      this.#connection?.close();
      // Its time is over already.
      this.#bye = { ...bye, reconnectMS: 0 };
      this.#ended({ code: bye.code ?? 1001, reason: bye.reason ?? '' });
    });
  }

  #followed(room: SubscribedRoom): void {
    if (room.error) {
      if (LEFT.includes(room.error.code)) this.#rooms.leave(room.room);
      this.#rooms.state(room.room).list?.dropHeld();
      this.emit('error', new RecallError(room.error.code, `${room.room}: ${room.error.message}`));
    } else this.#inbox.followed(room);
  }

  /** The connection is over: everything that belonged to it is told so. */
  #disconnect(): void {
    this.#attempt += 1;
    this.#clockOffsetMS = this.#clockOffset();
    this.#connection = undefined;
    this.#online = this.#synced = false;
    stopTimer(this.#retry);
    stopTimer(this.#byeTimer);
    stopTimer(this.#renewTimer);
    this.#retry = undefined;
    this.#acks.stop();
    this.#subscriptions.disconnected();
    this.#requests.disconnected();
    this.#inbox.disconnected();
  }

  #ended(end: ConnectionEnd, retryAfter?: number): void {
    const wasOnline = this.#online;
    this.#disconnect();
    if (OUR_FAULT.includes(end.code)) {
      const text = end.reason || `close code ${end.code}`;
      this.#requests.failSent(new RecallError('CLOSED', `the server refused a frame: ${text}`, { rc: end.code }));
    }
    const stable = wasOnline && Date.now() - this.#readyMS >= STABLE_MS;
    if (stable) this.#backoff.reset();
    if (FINAL.includes(end.code)) {
      const code = end.code === 4403 ? 'INSUFFICIENT_PERMISSION' : 'CLOSED';
      this.#stop(end, new RecallError(code, textOf(end), { rc: end.code }));
      return;
    }
    if (end.code === TOKEN_REFUSED) {
      if (!this.#tokens.renewable || this.#renewed) {
        this.#stop(end, new RecallError('INVALID_TOKEN', textOf(end), { rc: end.code }));
        return;
      }
      this.#renew = this.#renewed = true;
      // At once, unless tokens are taken and refused in turn.
      this.#wait(stable || !wasOnline ? 0 : this.#backoff.next(), end);
      return;
    }
    const told = this.#bye?.reconnectMS ?? (retryAfter === undefined ? undefined : retryAfter * 1000);
    this.#wait(told ?? this.#backoff.next(), end);
  }

  #wait(inMS: number, why: StateInfo): void {
    stopTimer(this.#retry);
    this.#retry = startTimer(inMS, () => void this.#start());
    this.#setState('waiting', { ...why, inMS });
  }

  #stop(info: StateInfo, error: RecallError): void {
    const connection = this.#connection;
    this.#acks.sendAll();
    this.#disconnect();
    connection?.close();
    this.#stopWatching?.();
    this.#stopWatching = undefined;
    void this.#rooms.flush();
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const one of waiting) one.reject(error);
    this.#requests.failAll(error);
    this.#subscriptions.failAll(error);
    // Last, because a listener may connect again.
    this.#setState('closed', info);
  }
}

function roomPath(room: string): string {
  return `/rooms/${encodeURIComponent(room)}`;
}

function isProgress(frame: Frame): frame is Frame & RecallProgress {
  const { room, type, _id, acked, devices } = frame as Partial<RecallProgress>;
  return type === 'recallProgress' && typeof room === 'string' && typeof _id === 'string'
    && Number.isSafeInteger(acked) && Number.isSafeInteger(devices);
}

function textOf(end: ConnectionEnd): string {
  return end.reason || (end.code === 4409 ? 'this device is connected elsewhere' : `closed with code ${end.code}`);
}
