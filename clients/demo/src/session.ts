// One user's stay: the connection, the rooms, and what the views draw of them. Changing the user makes a new session.
import { MemoryStorage, RecallClient, RecallError, type ListItem, type Message, type MessageList, type Room } from 'recall-client';
import type { Connection, Entry, Pending, Person, Quote, RoomLine, Viewer } from './model.ts';
import { oneLine, recaller, recallerWord } from './text.ts';

// Public on purpose: the names of `recalld --demo`.
const CLIENT_KEY = 'demo-client-key';
export const HOME_ROOM = 'demo-room';

const TYPING_SHOWN_MS = 5000;
const TYPING_EVERY_MS = 3000;
const READ_AFTER_MS = 250;
const EDITED_AFTER_MS = 500;
const DEVICE_KEY = 'recall-demo.device';
const CLOSED_ELSEWHERE = 4409;

export interface SessionEvents {
  changed(): void;
  connection(state: Connection): void;
  failed(sentence: string): void;
  recalled(id: string): void;
}

// The server's own sentence where there is one. A fetch that reached nobody says no more than its browser's two words.
function sentenceOf(error: unknown): string {
  if (error instanceof RecallError && error.code === 'TOKEN' && error.reason instanceof Error) return sentenceOf(error.reason);
  if (error instanceof TypeError) return 'The server cannot be reached.';
  return error instanceof Error && error.message !== '' ? error.message : 'The server did not answer.';
}

// One id per window, so that two windows are two devices; it lives as long as the window.
function deviceId(renew: boolean): string {
  let id = renew ? null : sessionStorage.getItem(DEVICE_KEY);
  if (id === null) {
    id = `web-${[...crypto.getRandomValues(new Uint8Array(9))].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`;
    sessionStorage.setItem(DEVICE_KEY, id);
  }
  return id;
}

function asPerson(user: { _id?: string; id?: string; nickname?: string } | null | undefined): Person | null {
  const id = user?._id ?? user?.id ?? '';
  return id === '' ? null : { id, name: user?.nickname || id };
}

function asText(message: unknown): string {
  if (typeof message === 'string') return message;
  return message === null || message === undefined ? '' : JSON.stringify(message);
}

function asQuote(reply: Message['reply']): Quote | null {
  if (reply === null || reply === undefined || reply === '') return null;
  if (typeof reply === 'string') return { id: reply, author: null, text: '', messageType: 'text', cleared: true };
  const cleared = reply.messageType === 'recall';
  return {
    id: reply._id,
    author: asPerson(reply.sender),
    text: cleared ? '' : asText(reply.message),
    messageType: reply.messageType ?? 'text',
    cleared,
  };
}

// An edit that happened before this window came: the message changed after it was made. Clearing its quote changes it too.
function editedBefore(message: Message): boolean {
  const made = message.createdAtMS ?? message.messageTimeMS ?? 0;
  return (message.updatedAtMS ?? 0) - made > EDITED_AFTER_MS && asQuote(message.reply)?.cleared !== true;
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
  private stopped = false;

  constructor(user: Person, private readonly events: SessionEvents) {
    this.me = user;
    this.names.set(user.id, user.name);
    this.client = this.connectAs(deviceId(false));
  }

  stop(): void {
    this.stopped = true;
    window.clearTimeout(this.readTimer);
    this.client.close();
  }

  get viewer(): Viewer {
    const role = this.rooms.find((room) => room._id === this.room)
      ?.memberProperties?.find((member) => member.client === this.me.id)?.role;
    return {
      me: this.me,
      moderates: role === 'owner' || role === 'admin' || role === 'manager',
      nameOf: (id) => this.names.get(id),
    };
  }

  get roomName(): string {
    return this.rooms.find((room) => room._id === this.room)?.name || this.room;
  }

  get members(): string[] {
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
    return this.isLoaded && this.list().hasMore;
  }

  get entries(): Entry[] {
    return this.list().items.map((item) => this.entry(item));
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
    return ids.map((id) => {
      const list = this.list(id);
      const last = list.lastLine;
      return {
        id,
        name: this.rooms.find((room) => room._id === id)?.name || id,
        line: last === null ? 'No messages yet' : this.lineOf(last),
        isNotice: last === null || last.kind === 'notice',
        timeMS: last?.timeMS ?? 0,
        unread: list.unread,
      };
    });
  }

  async choose(room: string): Promise<void> {
    this.room = room;
    this.typists.clear();
    this.events.changed();
    if (!this.loaded.has(room)) await this.earlier();
  }

  // Loads the newest page of the room, then with each call an older one.
  async earlier(): Promise<void> {
    const room = this.room;
    this.unloadable.delete(room);
    this.events.changed();
    try {
      await this.list(room).load();
      this.loaded.add(room);
    } catch (error) {
      this.unloadable.add(room);
      this.fail(error);
    }
    this.events.changed();
  }

  async send(text: string, reply?: string): Promise<void> {
    const quoted = reply === undefined ? undefined : this.list().get(reply);
    const one = {
      key: crypto.randomUUID?.() ?? `${Date.now()}-${Math.random().toString(36).slice(2)}`,
      room: this.room, text, reply, timeMS: Date.now(), failed: false,
      quote: quoted?.kind === 'message' ? asQuote(quoted.message) : null,
      known: new Set(this.list().items.map((item) => item.id)),
    };
    this.pendings = [...this.pendings, one];
    await this.deliver(one.key);
  }

  // Sends again under the same clientMsgId: if the first try did arrive, the server makes no second message.
  async deliver(key: string): Promise<void> {
    const one = this.pendings.find((pending) => pending.key === key);
    if (one === undefined) return;
    this.replacePending(key, { failed: false });
    try {
      const sent = await this.client.send(one.room, { message: one.text, reply: one.reply, clientMsgId: one.key });
      if (this.list(one.room).get(sent._id) !== undefined) this.discard(key);
    } catch (error) {
      this.replacePending(key, { failed: true });
      this.fail(error);
    }
  }

  discard(key: string): void {
    this.pendings = this.pendings.filter((pending) => pending.key !== key);
    this.events.changed();
  }

  async edit(id: string, text: string): Promise<boolean> {
    return this.attempt(this.client.send(this.room, { _id: id, message: text }));
  }

  async recall(id: string, isDelete: boolean): Promise<boolean> {
    return this.attempt(this.client.recall(this.room, id, { isDelete }));
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
    if (this.readTimer !== 0) return;
    const room = this.room;
    this.readTimer = window.setTimeout(() => {
      this.readTimer = 0;
      const list = this.list(room);
      const newest = list.items[list.items.length - 1];
      if (newest === undefined || list.unread === 0 || this.marked.get(room) === newest.id) return;
      this.marked.set(room, newest.id);
      this.client.markRead(room, newest.id).catch(() => this.marked.delete(room));
    }, READ_AFTER_MS);
  }

  private connectAs(device: string): RecallClient {
    const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
    const client = new RecallClient({
      url: `${scheme}://${location.host}/ws`,
      httpUrl: location.origin,
      clientKey: CLIENT_KEY,
      token: () => this.token(),
      device,
      storage: new MemoryStorage(),
    });
    client.on('state', (state, info) => {
      if (this.stopped || client !== this.client) return;
      if (state === 'online') {
        this.events.connection({ state: 'online' });
        // What failed to load on the last connection is tried again on this one.
        if (this.unloadable.has(this.room)) void this.refreshRooms().then(() => this.earlier());
      }
      if (state === 'connecting') this.events.connection({ state: 'connecting' });
      if (state === 'waiting') this.events.connection({ state: 'reconnecting', untilMS: Date.now() + (info.inMS ?? 0) });
      if (state === 'offline' || state === 'closed') this.events.connection({ state: 'offline' });
      // A duplicated tab took this window's device id along: this one goes on under a new id.
      if (state === 'closed' && info.code === CLOSED_ELSEWHERE) this.restart();
    });
    client.on('signal', (signal) => this.signal(signal));
    // Who has sent a message has ended typing it.
    client.on('message', (event) => this.typists.delete(event.message?.sender?._id ?? ''));
    client.on('recall', (event) => this.recalled(event.content?.messageUId ?? ''));
    client.on('edit', (event) => {
      if (event.message) this.edited.add(event.message._id);
    });
    client.on('room', () => void this.refreshRooms());
    client.on('error', (error) => this.fail(error));
    // Deferred, so that `this.client` is set when the first state arrives.
    queueMicrotask(() => void this.start(client));
    return client;
  }

  private restart(): void {
    this.client.close();
    this.watched.clear();
    this.loaded.clear();
    this.client = this.connectAs(deviceId(true));
    this.events.changed();
  }

  private async start(client: RecallClient): Promise<void> {
    this.list();
    try {
      await client.connect();
      if (this.stopped || client !== this.client) return;
      // Follow first, then load: what arrives between the two is applied, so nothing is missed.
      await client.subscribeAll();
      await this.refreshRooms();
      await this.earlier();
    } catch (error) {
      this.fail(error);
    }
  }

  private async refreshRooms(): Promise<void> {
    try {
      const rooms = await this.client.rooms();
      if (this.stopped) return;
      this.rooms = rooms.filter((room) => !room._id.startsWith('~'));
      for (const room of rooms) {
        for (const member of room.members ?? []) this.names.set(member._id, member.nickname || member._id);
      }
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

  private list(room = this.room): MessageList {
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

  private signal(signal: { type: string; room: string; [field: string]: unknown }): void {
    if (signal.type === 'typing' && signal.room === this.room && typeof signal.client === 'string' && signal.client !== this.me.id) {
      this.typists.set(signal.client, Date.now() + TYPING_SHOWN_MS);
      window.setTimeout(() => this.events.changed(), TYPING_SHOWN_MS + 20);
      this.events.changed();
    } else if (signal.type === 'recallProgress' && typeof signal._id === 'string') {
      this.reach.set(signal._id, { acked: Number(signal.acked) || 0, devices: Number(signal.devices) || 0 });
      this.events.changed();
    }
  }

  private entry(item: ListItem): Entry {
    if (item.kind === 'notice') {
      const { operatorId, operatorName, admin, recallContent, recallActionTime } = item.notice;
      return {
        kind: 'notice', id: item.id, timeMS: item.timeMS || recallActionTime, operatorId, operatorName, admin,
        reEdit: recallContent ?? null,
        reach: this.reach.get(item.id) ?? null,
      };
    }
    const { message } = item;
    const author = asPerson(message.sender);
    return {
      kind: 'message', id: item.id, author, timeMS: item.timeMS,
      text: asText(message.message),
      messageType: message.messageType ?? 'text',
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
    return `${who}: ${oneLine(asText(item.message.message), item.message.messageType)}`;
  }

  private async attempt(work: Promise<unknown>): Promise<boolean> {
    try {
      await work;
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
