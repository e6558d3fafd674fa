/**
 * The messages of one room as a screen shows them. Works without a connection: `apply` takes event frames, which is
 * also how the golden vectors test it.
 */
import { newestLine, pageEdge, readCache, writeCache } from './cache.js';
import { Emitter } from './emitter.js';
import { RecallError } from './errors.js';
import { RoomLog } from './log.js';
import {
  clearQuote, isRecalled, mediaUrls, messageId, messageTime, noticeOf, quotedId, senderId, tombstoneFrom,
  tombstoneOf, type Tombstone,
} from './notice.js';
import { ReEdits } from './reedit.js';
import type {
  Cursor, EventFrame, Forget, HistoryOptions, HistoryPage, ListItem, Message, MessageItem, Room, SignalFrame,
} from './types.js';
import { Unread } from './unread.js';

export interface MessageListOptions {
  room: string;
  /** Id of the user whose screen this is; a function where it is known only later. */
  user?: string | (() => string | undefined);
  /** How long the author may keep a recalled text, ms; default 120,000; 0: not at all. */
  reEditMS?: number;
  /** The oldest items leave the list beyond this many; default 2,000. They can be loaded again. */
  maxItems?: number;
  /** The server's time, ms. */
  now?: () => number;
  /** Where `load` and `reload` get history from. */
  history?: (options: HistoryOptions) => Promise<HistoryPage>;
  /** Cursor and tombstones, where they are shared. */
  log?: RoomLog;
  /** Makes the room go on from an earlier place, for `restore`; false: it cannot. */
  rewind?: (to: Cursor) => boolean;
}

type ListEvents = { change: [list: MessageList]; forget: [forget: Forget] };

const PAGE = 50;
const CACHED = 200;
const NOTHING: readonly ListItem[] = Object.freeze([]);

export class MessageList extends Emitter<ListEvents> {
  readonly room: string;
  readonly #options: MessageListOptions;
  readonly #log: RoomLog;
  readonly #unread = new Unread();
  readonly #byId = new Map<string, ListItem>();
  readonly #reEdits = new ReEdits((ids) => this.#forgetTexts(ids));
  #items: ListItem[] = [];
  #last: ListItem | null = null;
  #loaded = false;
  #hasMore = true;
  #loading: Promise<number> | undefined;
  /** While a reload is under way: what events touched meanwhile. */
  #touched: Set<string> | undefined;
  /** Whose cache the items came from, until what happened since is applied: none of them shows before that. */
  #held: { user: string | undefined } | undefined;

  constructor(options: MessageListOptions) {
    super();
    this.room = options.room;
    this.#options = options;
    this.#log = options.log ?? new RoomLog(options.room);
  }

  /** Ordered by messageTimeMS. A new array after each change; neither it nor its items are modified later. */
  get items(): readonly ListItem[] {
    return this.#held ? NOTHING : this.#items;
  }

  /** What a conversation list shows for this room. */
  get lastLine(): ListItem | null {
    return this.#held ? null : this.#last;
  }

  get unread(): number {
    return this.#unread.count;
  }

  /** Up to where the room's log is applied. */
  get cursor(): Cursor | undefined {
    return this.#log.cursor;
  }

  /** Whether `load` may find older messages. */
  get hasMore(): boolean {
    return this.#hasMore;
  }

  get(id: string): ListItem | undefined {
    return this.#held ? undefined : this.#byId.get(id);
  }

  /** Applies an event frame; false if it is a repeat (seq at or before the cursor) or another room's. */
  apply(event: EventFrame): boolean {
    if (event.room !== this.room || !Number.isSafeInteger(event.seq) || !this.#log.advance(event)) return false;
    if (event.type === 'recall') this.#recall(event);
    else if (event.type === 'message' && event.message) this.#arrive(event.message);
    else if (event.type === 'edit' && event.message) this.#edit(event.message);
    else if (event.type === 'delete') this.#delete(event);
    else return true;
    this.#changed();
    return true;
  }

  /** Ids of recalled messages that are remembered, so that a late one does not show. */
  get tombstones(): string[] {
    return this.#log.tombstones;
  }

  /** The log was cut or began anew: events go on from here. What the list shows is right again after `reload`. */
  reset(at: Cursor): void {
    this.#log.cursor = { epoch: at.epoch, seq: at.seq };
  }

  /**
   * The newest `limit` items with their place in the log, for an app that keeps them on the device; '' while there is no
   * such place. Replace a kept text after each change: it holds content, which a recall has to reach as well.
   */
  serialize(limit = CACHED): string {
    const { cursor } = this.#log;
    if (!cursor) return '';
    const user = this.#held ? this.#held.user : this.#me();
    return writeCache(this.room, { cursor, user, items: this.#items, hasMore: this.#hasMore }, limit);
  }

  /**
   * Takes in what `serialize` made, before the client connects; false if that is of no use (damaged, another log or
   * room, too late). The items stay hidden until everything that happened since is applied: a message that was recalled
   * while the device was away never shows.
   */
  restore(text: string | null | undefined): boolean {
    const cache = readCache(this.room, text);
    if (!cache || this.#items.length > 0 || this.#loading || this.#loaded) return false;
    if (this.#options.rewind) {
      if (!this.#options.rewind(cache.cursor)) return false;
    } else if (this.#log.cursor) return false;
    else this.#log.cursor = cache.cursor;
    this.#items = cache.items;
    for (const item of cache.items) this.#byId.set(item.id, item);
    this.#last = newestLine(this.#items);
    this.#loaded = true;
    this.#hasMore = cache.hasMore;
    this.#held = { user: cache.user };
    return true;
  }

  /** The log is applied up to now: what `restore` took in shows. The client calls it. */
  caughtUp(): void {
    const held = this.#held;
    if (!held) return;
    const me = this.#me();
    if (held.user !== undefined && me !== undefined && held.user !== me) {
      this.clear();
      return;
    }
    this.#held = undefined;
    // Under the tombstones that the storage brought, or that came before the items.
    this.#rebuild();
    this.#changed();
  }

  /** Forgets what `restore` took in, if it does not show yet. */
  dropHeld(): void {
    if (this.#held) this.clear();
  }

  /** Applies a signal: this user read on another device. */
  signal(signal: SignalFrame): void {
    if (signal.room !== this.room || signal.type !== 'read' || signal.client !== this.#me()) return;
    if (typeof signal.lastRead === 'string') this.markedRead(signal.lastRead);
  }

  /** Takes unread count, read mark and last line from a room object of the server. */
  seed(room: Room): void {
    const mine = room.memberProperties?.find((one) => one.client === this.#me());
    const read = mine?.lastRead ? this.#byId.get(mine.lastRead) : undefined;
    this.#unread.seed(room.unread ?? mine?.badge ?? 0, Boolean(mine?.lastRead), read?.timeMS, this.#items, this.#me());
    if (room.lastMessage !== undefined) this.#last = this.#lineOf(room.lastMessage);
    this.#changed();
  }

  /** This user has read up to message `id` (here or on another device); `badge`: what the server counts as left. */
  markedRead(id: string, badge?: number): void {
    const before = this.unread;
    // The last line may be of a message that is not loaded.
    const item = this.#byId.get(id) ?? (this.#last?.id === id ? this.#last : undefined);
    this.#unread.read(item?.timeMS, badge, this.#items);
    if (this.unread !== before) this.#changed();
  }

  /** Loads the newest page, then with each call an older one. Resolves with the number of items added. */
  load(limit = PAGE): Promise<number> {
    this.#loading ??= this.#load(limit).finally(() => {
      this.#loading = undefined;
    });
    return this.#loading;
  }

  async #load(limit: number): Promise<number> {
    const oldest = this.#loaded ? pageEdge(this.#items) : undefined;
    const page = await this.#history(oldest ? { limit, beforeMessage: oldest } : { limit });
    const before = this.#items.length;
    this.#merge(page);
    this.#loaded = true;
    this.#hasMore = page.data.length >= limit;
    this.#changed();
    return this.#items.length - before;
  }

  /**
   * Loads the room anew after a `reset`: what the page does not have leaves the list (it may have been recalled
   * meanwhile), except what events brought while the page was on its way.
   */
  async reload(limit = PAGE): Promise<void> {
    const touched = (this.#touched ??= new Set());
    try {
      const page = await this.#history({ limit });
      const current = new Set(page.data.map(messageId));
      this.#items = this.#items.filter((item) => {
        const stays = current.has(item.id) || touched.has(item.id);
        if (!stays) this.#drop(item.id);
        return stays;
      });
      this.#merge(page);
      this.#loaded = true;
      this.#hasMore = page.data.length >= limit;
      this.#last = newestLine(this.#items);
      this.#held = undefined;
      this.#changed();
    } finally {
      if (this.#touched === touched) this.#touched = undefined;
    }
  }

  /** Empties the list and forgets every kept text at once. */
  clear(): void {
    this.#reEdits.clear();
    this.#byId.clear();
    this.#items = [];
    this.#last = null;
    this.#loaded = false;
    this.#hasMore = true;
    this.#held = undefined;
    this.#unread.clear();
    this.#changed();
  }

  #me(): string | undefined {
    const user = this.#options.user;
    return typeof user === 'function' ? user() : user;
  }

  #now(): number {
    return this.#options.now?.() ?? Date.now();
  }

  #history(options: HistoryOptions): Promise<HistoryPage> {
    if (!this.#options.history) return Promise.reject(new RecallError('NETWORK', 'this list has no source of history'));
    return this.#options.history(options);
  }

  #changed(): void {
    this.emit('change', this);
  }

  #arrive(message: Message): void {
    const id = messageId(message);
    if (id === '') return;
    const isNew = !this.#byId.has(id) && !this.#log.tombstone(id);
    const item = this.#put(message);
    this.#touched?.add(id);
    if (!item) return;
    if (isNew && item.kind === 'message') this.#unread.arrived(item, this.#me());
    if (!item.unlisted && (!this.#last || this.#last.id === id || item.timeMS >= this.#last.timeMS)) this.#last = item;
    this.#trim();
  }

  #edit(message: Message): void {
    const id = messageId(message);
    // An edit of what is not loaded stays out: it would stand alone among missing neighbours.
    if (this.#byId.get(id)?.kind === 'message') {
      this.#put(message);
      this.#touched?.add(id);
    }
    if (this.#last?.kind === 'message' && this.#last.id === id) this.#last = this.#lineOf(message);
  }

  #recall(event: EventFrame): void {
    const tombstone = tombstoneOf(event);
    if (!tombstone) return;
    const { id } = tombstone;
    const first = this.#log.bury(tombstone);
    const item = this.#byId.get(id);
    this.#touched?.add(id);
    if (first) this.#unread.recalled(tombstone, item, this.#me());
    const urls = new Set(item?.kind === 'message' ? mediaUrls(item.message) : []);
    if (tombstone.delete) this.#remove(id);
    else if (item?.kind === 'message') this.#replace(this.#noticeItem(tombstone, item));
    else if (item && first) {
      // A replay showed it as recalled already; the command knows more than the message object did.
      const { originalObjectName } = item.notice;
      this.#replace({ ...item, notice: { ...noticeOf(tombstone), originalObjectName } });
    }
    this.#clearQuotes(tombstone, new Set(event.quotedBy ?? []), urls);
    this.#fixLast(event, tombstone);
    if (first) this.emit('forget', { room: this.room, ids: [id], urls: [...urls], isDelete: tombstone.delete });
  }

  /** History shows a message as recalled that the list had: its event was missed. */
  #forget(message: Message, urls: string[]): void {
    const tombstone = this.#log.tombstone(messageId(message)) ?? tombstoneFrom(message);
    if (this.#log.bury(tombstone)) this.#clearQuotes(tombstone, new Set(), new Set());
    this.emit('forget', { room: this.room, ids: [tombstone.id], urls, isDelete: tombstone.delete });
  }

  /** Hard deletion, of some messages or of all: the server names no content, and nothing stays. */
  #delete(event: EventFrame): void {
    const ids = event['all'] === true ? this.#items.map((item) => item.id)
      : Array.isArray(event['messages']) ? (event['messages'] as unknown[]).map(String) : [];
    if (event['all'] === true) this.#unread.clear();
    for (const id of ids) {
      const item = this.#byId.get(id);
      const urls = item?.kind === 'message' ? mediaUrls(item.message) : [];
      this.#unread.deleted(id);
      this.#remove(id);
      this.emit('forget', { room: this.room, ids: [id], urls, isDelete: true });
    }
    if (event['all'] === true || (this.#last && ids.includes(this.#last.id))) {
      this.#last = newestLine(this.#items);
    }
  }

  /** The gray bar in the place of `item`; the author's own recall keeps the text for its time. */
  #noticeItem(tombstone: Tombstone, item: MessageItem): ListItem {
    const notice = noticeOf(tombstone, item.message);
    const me = this.#me();
    const text = item.message.message;
    const own = me !== undefined && tombstone.operatorId === me
      && (tombstone.author || senderId(item.message)) === me && !tombstone.admin;
    if (own && typeof text === 'string' && text !== '' && notice.originalObjectName === 'RC:TxtMsg') {
      const keep = this.#options.reEditMS ?? 120_000;
      const age = tombstone.actionTime > 0 ? Math.max(0, this.#now() - tombstone.actionTime) : 0;
      if (keep > age) {
        notice.recallContent = text;
        this.#reEdits.keep(item.id, keep - age);
      }
    }
    return { kind: 'notice', id: item.id, timeMS: item.timeMS, notice, ...(item.unlisted && { unlisted: true }) };
  }

  #forgetTexts(ids: string[]): void {
    for (const id of ids) {
      const item = this.#byId.get(id);
      if (item?.kind !== 'notice') continue;
      const { recallContent: _text, ...notice } = item.notice;
      const bare: ListItem = { ...item, notice };
      this.#replace(bare);
      if (this.#last?.id === id && this.#last.kind === 'notice') this.#last = bare;
    }
    this.#changed();
  }

  #clearQuotes(tombstone: Tombstone, quotedBy: Set<string>, urls: Set<string>): void {
    const clear = (item: MessageItem): MessageItem => {
      const message = clearQuote(item.message, tombstone, quotedBy.has(item.id));
      if (message === item.message) return item;
      const copy = item.message.reply;
      if (copy && typeof copy === 'object') for (const url of mediaUrls(copy)) urls.add(url);
      this.#touched?.add(item.id);
      return { ...item, message };
    };
    let cleared = false;
    const items = this.#items.map((item) => {
      const after = item.kind === 'message' ? clear(item) : item;
      if (after !== item) {
        cleared = true;
        this.#byId.set(item.id, after);
      }
      return after;
    });
    if (cleared) this.#items = items;
    if (this.#last?.kind !== 'message') return;
    const known = this.#byId.get(this.#last.id);
    // Not the notice that may stand there by now: disableUpdateLastMsg keeps the line.
    this.#last = known?.kind === 'message' ? known : clear(this.#last);
  }

  #fixLast(event: EventFrame, tombstone: Tombstone): void {
    if (event.content?.disableUpdateLastMsg === true) return;
    if (event.lastMessage === undefined && this.#last?.id !== tombstone.id) return;
    const newest = newestLine(this.#items);
    const told = this.#lineOf(event.lastMessage ?? null);
    // A replayed recall tells its own time's last line; never go back behind what the list has.
    this.#last = told && !(newest && newest.timeMS > told.timeMS) ? told : newest;
  }

  /** A message object as a line, without putting it into the list. */
  #lineOf(message: Message | null): ListItem | null {
    if (!message) return null;
    const known = this.#byId.get(messageId(message));
    if (known && (known.kind === 'notice' || !isRecalled(message))) return known;
    return this.#itemOf(message);
  }

  /** The item that a message object stands for: a tombstone wins over content; null: nothing is shown. */
  #itemOf(message: Message): ListItem | null {
    const id = messageId(message);
    const timeMS = messageTime(message);
    const unlisted = message['disableUpdateLastMsg'] === true ? { unlisted: true as const } : {};
    const tombstone = this.#log.tombstone(id) ?? (isRecalled(message) ? tombstoneFrom(message) : undefined);
    if (tombstone) {
      if (tombstone.delete) return null;
      return { kind: 'notice', id, timeMS, notice: noticeOf(tombstone, message), ...unlisted };
    }
    const quoted = this.#log.tombstone(quotedId(message));
    return { kind: 'message', id, timeMS, message: quoted ? clearQuote(message, quoted, false) : message, ...unlisted };
  }

  /** Puts a message object into the list. What is recalled stays so, and an older revision changes nothing. */
  #put(message: Message): ListItem | null {
    const id = messageId(message);
    const known = this.#byId.get(id);
    if (known?.kind === 'notice') return known;
    if (known && (message.updatedAtMS ?? 0) < (known.message.updatedAtMS ?? 0)) return known;
    const item = this.#itemOf(message);
    if (known && isRecalled(message)) this.#forget(message, mediaUrls(known.message));
    if (!item) this.#remove(id);
    else if (known && known.timeMS === item.timeMS) this.#replace(item);
    else {
      this.#remove(id);
      this.#insert(item);
    }
    return item;
  }

  /** Makes every message's item anew, as what is remembered of recalls has it. */
  #rebuild(): void {
    this.#items = this.#items.flatMap((item) => {
      const after = item.kind === 'message' ? this.#itemOf(item.message) : item;
      if (after) this.#byId.set(item.id, after);
      else this.#drop(item.id);
      return after ?? [];
    });
    const newest = newestLine(this.#items);
    if (this.#last?.kind === 'message') this.#last = this.#lineOf(this.#last.message) ?? newest;
  }

  #insert(item: ListItem): void {
    let at = this.#items.length;
    while (at > 0 && this.#items[at - 1]!.timeMS > item.timeMS) at--;
    this.#items = [...this.#items.slice(0, at), item, ...this.#items.slice(at)];
    this.#byId.set(item.id, item);
  }

  #replace(item: ListItem): void {
    this.#byId.set(item.id, item);
    this.#items = this.#items.map((one) => (one.id === item.id ? item : one));
  }

  #remove(id: string): void {
    if (!this.#byId.has(id)) return;
    this.#drop(id);
    this.#items = this.#items.filter((one) => one.id !== id);
  }

  #drop(id: string): void {
    this.#byId.delete(id);
    this.#reEdits.drop(id);
    this.#unread.gone(id);
  }

  /** Takes in a page of history: newest first, so it is put in backwards. */
  #merge(page: HistoryPage): void {
    const hidden = new Set(page.userDeletedIDs ?? []);
    for (const message of [...page.data].reverse()) {
      if (messageId(message) !== '' && !hidden.has(messageId(message))) this.#put(message);
    }
    for (const id of hidden) this.#remove(id);
    this.#unread.recount(this.#items, this.#me());
    const newest = newestLine(this.#items);
    if (newest && (!this.#last || newest.timeMS > this.#last.timeMS)) this.#last = newest;
  }

  #trim(): void {
    const max = Math.max(1, this.#options.maxItems ?? 2000);
    if (this.#items.length <= max) return;
    for (const item of this.#items.slice(0, this.#items.length - max)) this.#drop(item.id);
    this.#items = this.#items.slice(-max);
    this.#hasMore = true;
  }
}
