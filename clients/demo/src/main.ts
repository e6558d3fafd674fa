// The page: who one is (from the address), the session of that user, and the views on it.
import { avatar, byId, h } from './dom.ts';
import { sentenceOf } from './facts.ts';
import type { Entry, MessageEntry, Person } from './model.ts';
import { Session } from './session.ts';
import { dayKey, hueOf, initials, oneLine, typingLine } from './text.ts';
import { Composer, type Purpose } from './view/composer.ts';
import { ConnectionView } from './view/connection.ts';
import { CurlView } from './view/curl.ts';
import { Drawer } from './view/drawer.ts';
import { emptyAnnouncements, emptyState, inviteLinks } from './view/empty.ts';
import { LedgerView } from './view/ledger.ts';
import { LogView } from './view/log.ts';
import { closeMenu, openMenu, type MenuItem } from './view/menu.ts';
import { personName } from './view/message.ts';
import { OperatorView } from './view/operator.ts';
import { RoomsView } from './view/rooms.ts';
import { toast } from './view/toast.ts';

const USERS: readonly Person[] = [
  { id: 'ann', name: 'Ann' },
  { id: 'ben', name: 'Ben' },
  { id: 'cho', name: 'Cho' },
];

let session: Session;
let selected: string | null = null;
let drawn = false;

function userFromAddress(): Person {
  const id = new URLSearchParams(location.hash.slice(1)).get('user');
  return USERS.find((user) => user.id === id) ?? USERS[0]!;
}

function others(): Person[] {
  return USERS.filter((user) => user.id !== session.me.id);
}

const connection = new ConnectionView((off) => {
  session.setOff(off);
  connection.showOff(session.off);
});
const ledger = new LedgerView({
  load: (id, after) => session.ledger(id, after),
  failed: (error) => sentenceOf(error),
});
const curl = new CurlView(() => operator.open(false, false));
const operator = new OperatorView(() => curl.open(false, false), () => toBox());
curl.openIfWide();
const drawer = new Drawer();

const rooms = new RoomsView((room) => {
  drawer.close();
  if (room === session.room) return;
  selected = null;
  log.reset();
  composer.reset();
  void session.choose(room);
});

const composer = new Composer({
  send(text: string, purpose: Purpose): void {
    if (purpose.kind === 'edit') {
      const at = session;
      void at.edit(purpose.id, text).then((done) => {
        // What was written is not lost because the server refused it.
        if (!done && at === session) composer.reEdit(text);
      });
      return;
    }
    log.toEnd(false);
    void session.send(text, purpose.kind === 'reply' ? purpose.id : undefined);
  },
  typing: () => session.typed(),
});

const log = new LogView({
  openMenu: (entry, anchor) => openMenu(anchor, 'Message actions', menuFor(entry)),
  select(id): void {
    if (selected === id) return;
    selected = id;
    changed();
  },
  goTo: (id) => log.goTo(id),
  reEdit: (entry) => composer.reEdit(entry.reEdit ?? ''),
  openLedger: (id) => ledger.open(id),
  retry: (pending) => void session.deliver(pending.key),
  discard: (pending) => session.discard(pending.key),
  earlier: () => void session.earlier(),
  reading: () => readIfSeen(),
  focusLost: () => toBox(),
});

// Where the focus goes when nothing else may have it.
function toBox(): void {
  if (session.viewer.readOnly) byId('log').focus();
  else composer.focus();
}

function menuFor(entry: MessageEntry): MenuItem[] {
  const { viewer } = session;
  const mine = entry.author?.id === viewer.me.id;
  const items: MenuItem[] = [{
    testId: 'menu-reply', label: 'Reply', icon: 'reply',
    run: () => composer.reply(entry.id, mine ? 'yourself' : personName(entry.author, viewer),
      oneLine(entry.text, entry.messageType)),
  }];
  if (mine && entry.messageType === 'text') {
    items.push({ testId: 'menu-edit', label: 'Edit', icon: 'edit', run: () => composer.edit(entry.id, entry.text) });
  }
  if (mine || viewer.moderates) {
    items.push(
      {
        testId: 'menu-recall', label: 'Recall', note: 'gray bar', icon: 'recall',
        run: () => void session.recall(entry.id, false),
      },
      {
        testId: 'menu-delete', label: 'Delete', note: 'no trace', icon: 'trash', danger: true,
        run: () => void session.recall(entry.id, true),
      },
    );
  }
  return items;
}

function readIfSeen(): void {
  if (document.visibilityState === 'visible' && document.hasFocus() && log.isAtEnd) session.read();
}

function lineOf(entry: Entry): string {
  return entry.kind === 'notice' ? 'Already recalled' : oneLine(entry.text, entry.messageType);
}

function drawCurl(entries: readonly Entry[]): void {
  const chosen = entries.find((entry) => entry.id === selected);
  let shown = chosen;
  for (let at = entries.length - 1; shown === undefined && at >= 0; at--) {
    if (entries[at]!.kind === 'message') shown = entries[at];
  }
  curl.show(shown === undefined ? null : {
    room: shown.room, id: shown.id, label: chosen === undefined ? 'Last message' : 'Selected message', line: lineOf(shown),
  });
}

function drawOperator(entries: readonly Entry[]): void {
  const chosen = entries.find((entry) => entry.id === selected && entry.room === '~broadcast');
  const shown = chosen?.kind === 'message' ? chosen : session.newestBroadcast;
  operator.show(shown === null ? null : {
    id: shown.id, from: shown.author?.id ?? '', sentMS: shown.timeMS, line: lineOf(shown),
    label: shown === chosen ? 'Selected announcement' : 'Newest announcement',
  });
}

function draw(): void {
  drawn = true;
  const { entries, viewer } = session;
  if (selected !== null && !entries.some((entry) => entry.id === selected)) selected = null;
  log.render({
    entries,
    pending: session.pending,
    viewer,
    selected,
    loading: session.loading,
    hasEarlier: session.hasEarlier,
    empty: () => (viewer.readOnly ? emptyAnnouncements() : emptyState(others())),
  });
  const lines = session.roomLines();
  rooms.render(lines, session.room);
  byId('room-title').textContent = session.roomName;
  byId('room-members').textContent = session.members.join(', ');
  byId('typing').textContent = typingLine(session.typing);
  drawCurl(entries);
  drawOperator(entries);
  byId('composer-form').hidden = viewer.readOnly;
  byId('reader-note').hidden = !viewer.readOnly;
  const unread = lines.reduce((sum, room) => sum + room.unread, 0);
  drawer.unread(unread);
  document.title = `${unread > 0 ? `(${unread}) ` : ''}${session.me.name} · recalld demo`;
  readIfSeen();
}

// Many events in one turn are drawn once. A microtask and not an animation frame: a window in the background draws too,
// so that its title tells of what is unread.
function changed(): void {
  if (!drawn) return;
  drawn = false;
  queueMicrotask(draw);
}

function enter(): void {
  const user = userFromAddress();
  if (session !== undefined && session.me.id === user.id) return;
  session?.stop();
  closeMenu();
  selected = null;
  log.reset();
  composer.reset();
  ledger.close();
  connection.show({ state: 'connecting' });
  connection.showOff(false);
  byId<HTMLSelectElement>('user-picker').value = user.id;
  byId('account-avatar').replaceWith(h('span', { attrs: { id: 'account-avatar', 'aria-hidden': 'true' } },
    avatar(user.name, initials(user.name), hueOf(user.id))));
  session = new Session(user, {
    changed,
    connection: (state) => connection.show(state),
    failed: (sentence) => toast(sentence),
    recalled: (id) => composer.forget(id),
    progress: (id) => ledger.moved(id),
  });
  inviteLinks(byId('invite'), others());
  draw();
}

function pickUser(picker: HTMLSelectElement): void {
  picker.append(...USERS.map((user) => h('option', { attrs: { value: user.id } }, user.name)));
  picker.addEventListener('change', () => {
    location.hash = `user=${picker.value}`;
    drawer.close();
  });
}

// At midnight "Today" becomes "Yesterday".
function watchDay(): void {
  let day = dayKey(Date.now());
  window.setInterval(() => {
    if (dayKey(Date.now()) === day) return;
    day = dayKey(Date.now());
    changed();
  }, 30_000);
}

byId('skip').addEventListener('click', (event) => {
  // A jump by address would change the hash, which names the user.
  event.preventDefault();
  toBox();
});
pickUser(byId<HTMLSelectElement>('user-picker'));
if (new URLSearchParams(location.hash.slice(1)).get('user') !== userFromAddress().id) {
  history.replaceState(null, '', `#user=${userFromAddress().id}`);
}
enter();
watchDay();
window.addEventListener('hashchange', enter);
window.addEventListener('focus', () => readIfSeen());
document.addEventListener('visibilitychange', () => readIfSeen());
if (window.matchMedia('(hover: hover)').matches) composer.focus();
