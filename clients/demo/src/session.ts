// One user's stay: the connection, the rooms, and what the views draw of them. Changing the user makes a new session.
import {
  RecallClient, RecallError, type ListItem, type MessageList, type RecallProgress, type Room, type SignalFrame,
} from 'recall-client';
import { ANNOUNCEMENTS, lastLineOf, linesOf, partsOf, titleOf, type Placed } from './announcements.ts';
import { deviceId, deviceStorage } from './device.ts';
import { asContent, asPerson, asQuote, editedBefore, sentenceOf } from './facts.ts';
import type { Connection, Entry, LedgerPage, MessageEntry, Pending, Person, RoomLine, Viewer } from './model.ts';
import { oneLine, recaller, recallerWord } from './text.ts';

// Public on purpose: the names of `recalld --demo`.
const CLIENT_KEY = 'demo-client-key';
export const HOME_ROOM = 'demo-room';

const TYPING_SHOWN_MS = 5000;
const TYPING_EVERY_MS = 3000;
const READ_AFTER_MS = 250;
const REFRESH_AFTER_MS = 150;
const LEDGER_PAGE = 50;
const CLOSED_ELSEWHERE = 4409;

export interface SessionEvents {
  changed(): void;
  connection(state: Connection): void;
  failed(sentence: string): void;
  recalled(id: string): void;
  // The server told on how many devices this recall was applied.
  progress(id: string): void;
}

export class Session {
  readonly me: Person;
  room = HOME_ROOM;
  private client: RecallClient;
  private rooms: Room[] = [];
  private readonly names = new Map<string, string>();
  private pendings: (Pending & { room: string; reply?: string; known: Set<string> })[] = [];
  private readonly edited = new Set<string>();
  private readonly reach = new Map<string, { acked: number; devices: number }>();
  private readonly typists = new Map<string, number>();
  private readonly watched = new Set<string>();
  private readonly loaded = new Set<string>();
  private readonly unloadable = new Set<string>();
  private readonly marked = new Map<string, string>();
  private typedAt = 0;
  private readTimer = 0;
  private refreshTimer = 0;
  private device = deviceId(false);
  private stopped = false;
  // Switched off by the user: the page stays, the socket is closed, and nothing is asked of the server.
  private isOff = false;

  constructor(user: Person, private readonly events: SessionEvents) {
    this.me = user;
    this.names.set(user.id, user.name);
    this.client = this.makeClient();
  }

  stop(): void {
    this.stopped = true;
    window.clearTimeout(this.readTimer);
    window.clearTimeout(this.refreshTimer);
    this.client.close();
  }

  get off(): boolean {
    return this.isOff;
  }

  // The offline switch. Coming back goes on from where this window had applied the rooms' logs.
  setOff(off: boolean): void {
    if (this.stopped || off === this.isOff) return;
    this.isOff = off;
    if (off) {
      this.typists.clear();
      this.client.close();
    } else void this.start(this.client);
    this.events.changed();
  }

  get viewer(): Viewer {
    const role = this.rooms.find((room) => room._id === this.room)
      ?.memberProperties?.find((member) => member.client === this.me.id)?.role;
    return {
      me: this.me,
      moderates: role === 'owner' || role === 'admin' || role === 'manager',
      readOnly: this.room === ANNOUNCEMENTS,
      nameOf: (id) => this.names.get(id),
    };
  }

  get roomName(): string {
    return this.nameOfRoom(this.room);
  }

  private nameOfRoom(id: string): string {
    return this.rooms.find((room) => room._id === id)?.name || titleOf(id, this.me.id, (user) => this.names.get(user));
  }

  get members(): string[] {
    if (this.room === ANNOUNCEMENTS) return ['Announcements to everyone, and to you'];
    const members = this.rooms.find((room) => room._id === this.room)?.members ?? [];
    return members.map((member) => (member._id === this.me.id ? 'you' : asPerson(member)?.name ?? '')).filter((name) => name !== '');
  }

  private get isLoaded(): boolean {
    return this.loaded.has(this.room);
  }

  get loading(): 'under way' | 'failed' | 'done' {
    if (this.isLoaded) return 'done';
    return this.unloadable.has(this.room) ? 'failed' : 'under way';
  }

  get hasEarlier(): boolean {
    return this.isLoaded && this.lists().some((list) => list.hasMore);
  }

  get entries(): Entry[] {
    return linesOf(this.lists()).map((line) => this.entry(line));
  }

  get pending(): Pending[] {
    return this.pendings.filter((one) => one.room === this.room);
  }

  get typing(): string[] {
    const now = Date.now();
    return [...this.typists].filter(([, until]) => until > now).map(([id]) => this.names.get(id) ?? id);
  }

  get unread(): number {
    return this.roomLines().reduce((sum, room) => sum + room.unread, 0);
  }

  roomLines(): RoomLine[] {
    const ids = this.rooms.length > 0 ? this.rooms.map((room) => room._id) : [HOME_ROOM];
    return [...ids, ANNOUNCEMENTS].map((id) => {
      const lists = this.lists(id);
      const last = lastLineOf(lists);
      return {
        id,
        name: this.nameOfRoom(id),
        line: last === null ? 'No messages yet' : this.lineOf(last),
        isNotice: last === null || last.kind === 'notice',
        isAnnouncements: id === ANNOUNCEMENTS,
        timeMS: last?.timeMS ?? 0,
        unread: lists.reduce((sum, list) => sum + list.unread, 0),
      };
    });
  }

  // The newest announcement to everyone that still stands.
  get newestBroadcast(): MessageEntry | null {
    const list = this.list('~broadcast');
    const item = list.items.filter((one) => one.kind === 'message').pop();
    const entry = item === undefined ? null : this.entry({ room: list.room, item });
    return entry?.kind === 'message' ? entry : null;
  }

  async choose(room: string): Promise<void> {
    this.room = room;
    this.typists.clear();
    this.events.changed();
    if (!this.loaded.has(room)) await this.earlier();
  }

  // Loads the newest page of the room, then with each call an older one.
  async earlier(room = this.room): Promise<void> {
    if (this.refuseOff()) {
      this.unloadable.add(room);
      this.events.changed();
      return;
    }
    this.unloadable.delete(room);
    this.events.changed();
    try {
      await Promise.all(this.lists(room).filter((list) => list.hasMore).map((list) => list.load()));
      this.loaded.add(room);
    } catch (error) {
      this.unloadable.add(room);
      this.fail(error);
    }
    this.events.changed();
  }

  async send(text: string, reply?: string): Promise<void> {
    const list = this.list(this.room);
    const quoted = reply === undefined ? undefined : list.get(reply);
    const one = {
      key: crypto.randomUUID?.() ?? `${Date.now()}-${Math.random().toString(36).slice(2)}`,
      room: this.room, text, reply, timeMS: Date.now(), failed: false, waits: false,
      quote: quoted?.kind === 'message' ? asQuote(quoted.message) : null,
      known: new Set(list.items.map((item) => item.id)),
    };
    this.pendings = [...this.pendings, one];
    await this.deliver(one.key);
  }

  // Sends again under the same clientMsgId: if the first try did arrive, the server makes no second message.
  async deliver(key: string): Promise<void> {
    const one = this.pendings.find((pending) => pending.key === key);
    if (one === undefined) return;
    this.replacePending(key, { failed: false, waits: this.isOff });
    if (this.isOff) return;
    try {
      const sent = await this.client.send(one.room, { message: one.text, reply: one.reply, clientMsgId: one.key });
      if (this.list(one.room).get(sent._id) !== undefined) this.discard(key);
    } catch (error) {
      // Switched off while it was on its way: it goes out again with the others.
      if (this.isOff) this.replacePending(key, { waits: true });
      else {
        this.replacePending(key, { failed: true });
        this.fail(error);
      }
    }
  }

  discard(key: string): void {
    this.pendings = this.pendings.filter((pending) => pending.key !== key);
    this.events.changed();
  }

  async edit(id: string, text: string): Promise<boolean> {
    return this.attempt(() => this.client.send(this.room, { _id: id, message: text }));
  }

  async recall(id: string, isDelete: boolean): Promise<boolean> {
    return this.attempt(() => this.client.recall(this.room, id, { isDelete }));
  }

  // Where the recall stands, device by device; `after` is the former page's `next`.
  async ledger(id: string, after?: string): Promise<LedgerPage> {
    const room = this.lists().find((list) => list.get(id) !== undefined)?.room ?? this.room;
    const { counts, ackMS, devices, next } = await this.client.ledger(room, id,
      after === undefined ? { limit: LEDGER_PAGE } : { limit: LEDGER_PAGE, after });
    const all = counts.acked + counts.refused + counts.pending + counts.offline + counts.incapable;
    this.reach.set(id, { acked: counts.acked, devices: all });
    this.events.changed();
    return {
      counts, all, halfMS: ackMS.p50, maxMS: ackMS.max, next,
      devices: devices.map((one) => ({
        user: { id: one.user, name: this.names.get(one.user) ?? one.user }, device: one.device, state: one.state,
        ackMS: one.ackMS ?? null, isThis: one.user === this.me.id && one.device === this.device,
      })),
    };
  }

  // Tells the others that this user writes.
  typed(): void {
    const now = Date.now();
    if (now - this.typedAt < TYPING_EVERY_MS) return;
    this.typedAt = now;
    this.client.typing(this.room);
  }

  // Whoever looks at the end of the log has read it.
  read(): void {
    if (this.readTimer !== 0 || this.isOff) return;
    this.readTimer = window.setTimeout(() => {
      this.readTimer = 0;
      // Of the room that is open by then: another may have been chosen meanwhile.
      for (const list of this.lists()) this.readList(list);
    }, READ_AFTER_MS);
  }

  private readList(list: MessageList): void {
    const { room } = list;
    const newest = list.items[list.items.length - 1];
    if (newest === undefined || this.isOff || list.unread === 0 || this.marked.get(room) === newest.id) return;
    this.marked.set(room, newest.id);
    this.client.markRead(room, newest.id).catch(() => this.marked.delete(room));
  }

  private makeClient(): RecallClient {
    const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
    const client = new RecallClient({
      url: `${scheme}://${location.host}/ws`,
      httpUrl: location.origin,
      clientKey: CLIENT_KEY,
      token: () => this.token(),
      device: this.device,
      storage: deviceStorage(this.device),
    });
    client.on('state', (state, info) => {
      if (this.stopped || client !== this.client) return;
      if (state === 'online') {
        this.events.connection({ state: 'online' });
        // What failed to load on the last connection is tried again on this one.
        if (this.unloadable.has(this.room)) void this.refreshRooms().then(() => (this.isLoaded ? undefined : this.earlier()));
        for (const one of this.pendings) if (one.waits) void this.deliver(one.key);
      }
      if (state === 'connecting') this.events.connection({ state: 'connecting' });
      if (state === 'waiting') this.events.connection({ state: 'reconnecting', untilMS: Date.now() + (info.inMS ?? 0) });
      if (state === 'offline' || state === 'closed') this.events.connection({ state: 'offline' });
      // A duplicated tab took this window's device id along: this one goes on under a new id.
      if (state === 'closed' && info.code === CLOSED_ELSEWHERE) this.restart();
    });
    client.on('signal', (signal) => this.signal(signal));
    client.on('recallProgress', (progress) => this.progress(progress));
    // Who has sent a message has ended typing it.
    client.on('message', (event) => this.typists.delete(event.message?.sender?._id ?? ''));
    client.on('recall', (event) => this.recalled(event.content?.messageUId ?? ''));
    client.on('edit', (event) => {
      if (event.message) this.edited.add(event.message._id);
    });
    client.on('room', () => this.refreshSoon());
    client.on('error', (error) => this.fail(error));
    // Deferred, so that `this.client` is set when the first state arrives.
    queueMicrotask(() => void this.start(client));
    return client;
  }

  private restart(): void {
    this.client.close();
    this.watched.clear();
    this.loaded.clear();
    this.device = deviceId(true);
    this.client = this.makeClient();
    this.events.changed();
  }

  // At first, and after each time offline.
  private async start(client: RecallClient): Promise<void> {
    this.lists();
    try {
      await client.connect();
      if (!this.isPresent(client)) return;
      // Follow first, then load: what arrives between the two is applied, so nothing is missed.
      await client.subscribeAll();
      await this.refreshRooms();
      if (!this.isLoaded && this.isPresent(client)) await this.earlier();
      // For its line among the rooms.
      if (!this.loaded.has(ANNOUNCEMENTS) && this.isPresent(client)) await this.earlier(ANNOUNCEMENTS);
    } catch (error) {
      // Closed by the switch, or because another device took the place: said elsewhere.
      if (this.isPresent(client) && !(error instanceof RecallError && error.code === 'CLOSED')) this.fail(error);
    }
  }

  private isPresent(client: RecallClient): boolean {
    return !this.stopped && !this.isOff && client === this.client;
  }

  // A replay may bring many of the events that call for this.
  private refreshSoon(): void {
    window.clearTimeout(this.refreshTimer);
    this.refreshTimer = window.setTimeout(() => void this.refreshRooms(), REFRESH_AFTER_MS);
  }

  private async refreshRooms(): Promise<void> {
    if (this.stopped || this.isOff) return;
    try {
      const rooms = await this.client.rooms();
      if (this.stopped) return;
      this.rooms = rooms.filter((room) => !room._id.startsWith('~') || room._id.startsWith('~private/'));
      for (const room of rooms) {
        for (const member of room.members ?? []) this.names.set(member._id, member.nickname || member._id);
      }
      // A room that was not shown before had no list that could take its last line.
      for (const room of this.rooms) if (!this.watched.has(room._id)) this.list(room._id).seed(room);
      this.rooms.sort((a, b) => Number(b._id === HOME_ROOM) - Number(a._id === HOME_ROOM));
    } catch (error) {
      this.fail(error);
    }
    this.events.changed();
  }

  private async token(): Promise<string> {
    const response = await fetch('/demo/token', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json; charset=utf-8' },
      body: JSON.stringify({ user: this.me.id }),
    });
    const answer = await response.json().catch(() => null) as { RC?: number; RM?: string; result?: { token?: string } } | null;
    if (answer?.RC !== 0 || typeof answer.result?.token !== 'string') {
      throw new Error(answer?.RM ?? `The server answered ${response.status} and no token. Was it started with --demo?`);
    }
    return answer.result.token;
  }

  private lists(room = this.room): MessageList[] {
    return partsOf(room, this.me.id).map((one) => this.list(one));
  }

  private list(room: string): MessageList {
    const list = this.client.room(room);
    if (!this.watched.has(room)) {
      this.watched.add(room);
      list.on('change', () => {
        this.settle(room);
        this.events.changed();
      });
    }
    return list;
  }

  // Drops the pending bubbles whose message has come in: each takes the first new one of the same author and text.
  private settle(room: string): void {
    const taken = new Set<string>();
    const items = this.list(room).items;
    this.pendings = this.pendings.filter((one) => {
      if (one.room !== room) return true;
      const arrived = items.find((item) => item.kind === 'message' && !taken.has(item.id) && !one.known.has(item.id)
        && item.message.sender?._id === this.me.id && item.message.message === one.text);
      if (arrived === undefined) return true;
      taken.add(arrived.id);
      for (const other of this.pendings) other.known.add(arrived.id);
      return false;
    });
  }

  private recalled(id: string): void {
    this.pendings = this.pendings.map((one) => (one.quote?.id === id
      ? { ...one, quote: { id, author: null, text: '', messageType: 'recall', cleared: true } } : one));
    this.events.recalled(id);
    this.events.changed();
  }

  private replacePending(key: string, change: Partial<Pending>): void {
    this.pendings = this.pendings.map((one) => (one.key === key ? { ...one, ...change } : one));
    this.events.changed();
  }

  private signal(signal: SignalFrame): void {
    if (signal.type === 'typing' && signal.room === this.room && typeof signal.client === 'string' && signal.client !== this.me.id) {
      this.typists.set(signal.client, Date.now() + TYPING_SHOWN_MS);
      window.setTimeout(() => this.events.changed(), TYPING_SHOWN_MS + 20);
      this.events.changed();
    }
  }

  private progress({ _id, acked, devices }: RecallProgress): void {
    this.reach.set(_id, { acked, devices });
    this.events.progress(_id);
    this.events.changed();
  }

  private entry({ room, item }: Placed): Entry {
    if (item.kind === 'notice') {
      const { operatorId, operatorName, admin, recallContent, recallActionTime } = item.notice;
      return {
        kind: 'notice', id: item.id, room, timeMS: item.timeMS || recallActionTime, operatorId, operatorName, admin,
        reEdit: recallContent ?? null,
        reach: this.reach.get(item.id) ?? null,
      };
    }
    const { message } = item;
    const author = asPerson(message.sender);
    return {
      kind: 'message', id: item.id, room, author, timeMS: item.timeMS,
      ...asContent(message),
      edited: this.edited.has(item.id) || editedBefore(message),
      quote: asQuote(message.reply),
    };
  }

  private lineOf(item: ListItem): string {
    if (item.kind === 'notice') {
      return `${recallerWord(recaller(item.notice, this.me.id, (id) => this.names.get(id)))} recalled a message`;
    }
    const author = asPerson(item.message.sender);
    const who = author === null ? 'Admin' : author.id === this.me.id ? 'You' : author.name;
    const { text, messageType } = asContent(item.message);
    return `${who}: ${oneLine(text, messageType)}`;
  }

  // What cannot be done while the switch is off is refused at once, not later.
  private refuseOff(): boolean {
    if (this.isOff) this.events.failed('You are offline. Go online first.');
    return this.isOff;
  }

  private async attempt(work: () => Promise<unknown>): Promise<boolean> {
    if (this.refuseOff()) return false;
    try {
      await work();
      return true;
    } catch (error) {
      this.fail(error);
      return false;
    }
  }

  private fail(error: unknown): void {
    if (!this.stopped) this.events.failed(sentenceOf(error));
  }
}
