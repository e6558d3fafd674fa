// One row of the log as an element: a message, a notice, a message on its way. Each is built anew when its facts change.
import { avatar, h, icon } from '../dom.ts';
import type { MessageEntry, NoticeEntry, Pending, Quote, Viewer } from '../model.ts';
import { fullTimeLabel, hueOf, initials, oneLine, progressLine, recaller, timeLabel } from '../text.ts';

export interface RowEvents {
  openMenu(entry: MessageEntry, anchor: HTMLElement): void;
  select(id: string): void;
  goTo(id: string): void;
  reEdit(entry: NoticeEntry): void;
  openLedger(id: string): void;
  retry(pending: Pending): void;
  discard(pending: Pending): void;
}

// Where a message stands among its neighbours of the same author.
export interface Place {
  first: boolean;
  last: boolean;
}

const EMOJI_ONLY = /^(?:\p{Extended_Pictographic}|[\u200d\ufe0f\s]|[\u{1f3fb}-\u{1f3ff}]|[\u{1f1e6}-\u{1f1ff}]){1,12}$/u;

let lastUid = 0;

export function personName(person: { id: string; name: string } | null, viewer: Viewer): string {
  if (person === null) return 'Admin';
  return person.name || viewer.nameOf(person.id) || person.id;
}

function body(text: string, messageType: string): HTMLElement {
  const isText = messageType === 'text';
  const kind = !isText ? ' is-other' : EMOJI_ONLY.test(text) && text.trim() !== '' ? ' is-emoji' : '';
  return h('div', { class: `body${kind}`, attrs: { dir: 'auto', 'data-testid': 'message-text' } },
    isText ? text : oneLine(text, messageType));
}

function quote(facts: Quote, viewer: Viewer, goTo: (id: string) => void): HTMLElement {
  if (facts.cleared) {
    return h('div', { class: 'quote is-cleared', attrs: { 'data-testid': 'quote', 'data-cleared': 'true' } },
      h('span', { class: 'quote-line' }, 'The quoted message was recalled'));
  }
  const name = personName(facts.author, viewer);
  return h('button', {
    class: 'quote',
    attrs: { type: 'button', tabindex: -1, 'data-testid': 'quote' },
    on: { click: () => goTo(facts.id) },
  },
  h('span', { class: 'sr-only' }, 'Replying to '),
  h('span', { class: 'quote-name', attrs: { dir: 'auto' } }, name),
  h('span', { class: 'quote-line', attrs: { dir: 'auto' } }, oneLine(facts.text, facts.messageType)));
}

export function messageRow(entry: MessageEntry, place: Place, viewer: Viewer, events: RowEvents): HTMLElement {
  const uid = `row${++lastUid}`;
  const mine = entry.author?.id === viewer.me.id;
  const name = personName(entry.author, viewer);
  const more = h('button', {
    class: 'icon-button more',
    attrs: {
      type: 'button', tabindex: -1, 'aria-label': mine ? 'Actions for your message' : `Actions for the message of ${name}`,
      'aria-haspopup': 'menu', 'aria-expanded': 'false', 'data-testid': 'message-menu',
    },
    on: { click: (event) => events.openMenu(entry, event.currentTarget as HTMLElement) },
  }, icon('more'));
  const who = mine || !place.first
    ? h('span', { class: 'sr-only', attrs: { id: `${uid}-who` } }, `${mine ? 'You' : name}: `)
    : h('span', { class: 'sender', attrs: { id: `${uid}-who`, dir: 'auto' } }, name);
  const text = body(entry.text, entry.messageType);
  text.id = `${uid}-text`;
  const meta = h('div', { class: 'meta', attrs: { id: `${uid}-meta` } },
    entry.edited && h('span', { attrs: { 'data-testid': 'edited' } }, 'edited'),
    h('time', { attrs: { datetime: new Date(entry.timeMS).toISOString(), title: fullTimeLabel(entry.timeMS) } },
      timeLabel(entry.timeMS)));
  const kinds = ['message', mine && 'is-mine', place.first && 'is-first', place.last && 'is-last'];
  return h('article', {
    class: kinds.filter(Boolean).join(' '),
    attrs: {
      tabindex: -1, 'data-testid': 'message', 'data-message-id': entry.id, 'data-mine': mine ? 'true' : 'false',
      'aria-labelledby': `${uid}-who ${uid}-text ${uid}-meta`,
    },
    on: { click: () => events.select(entry.id) },
  },
  !mine && (place.last ? avatar(name, initials(name), hueOf(entry.author?.id ?? '')) : h('span', {})),
  h('div', { class: 'message-main' },
    who,
    h('div', { class: 'bubble-row' },
      h('div', { class: 'bubble' }, entry.quote !== null && quote(entry.quote, viewer, events.goTo), text, meta),
      !viewer.readOnly && more)));
}

export function noticeRow(entry: NoticeEntry, viewer: Viewer, events: RowEvents): HTMLElement {
  const who = recaller(entry, viewer.me.id, viewer.nameOf);
  const uid = `row${++lastUid}`;
  const sentence = h('span', { attrs: { id: uid, 'data-testid': 'notice-text' } });
  if (who.kind === 'other') {
    // Isolated, so that a name written right to left does not turn the sentence round.
    sentence.append(h('bdi', {}, who.name), ' recalled a message');
  } else {
    sentence.append(who.kind === 'you' ? 'You recalled a message' : 'Admin recalled a message');
  }
  return h('div', {
    class: 'notice',
    attrs: {
      tabindex: -1, role: 'note', 'data-testid': 'notice', 'data-message-id': entry.id, 'aria-labelledby': uid,
      title: entry.timeMS > 0 ? fullTimeLabel(entry.timeMS) : undefined,
    },
    on: { click: () => events.select(entry.id) },
  },
  h('div', { class: 'notice-bar' },
    sentence,
    entry.reEdit !== null && h('button', {
      class: 'link',
      attrs: { type: 'button', 'data-testid': 're-edit' },
      on: { click: () => events.reEdit(entry) },
    }, 'Re-edit')),
  // The server tells it to the recaller, and to those who moderate the room.
  (who.kind === 'you' || viewer.moderates) && h('button', {
    class: 'notice-progress',
    attrs: { type: 'button', tabindex: -1, 'data-testid': 'recall-progress', 'aria-haspopup': 'dialog' },
    on: { click: () => events.openLedger(entry.id) },
  }, progressLine(entry.reach)));
}

// The count moves while the row stays: the focus stays in it, and a screen reader is not told the notice again.
export function updateNotice(row: HTMLElement, entry: NoticeEntry): void {
  const progress = row.querySelector<HTMLElement>('.notice-progress');
  const line = progressLine(entry.reach);
  if (progress !== null && progress.textContent !== line) progress.textContent = line;
}

export function pendingRow(pending: Pending, place: Place, viewer: Viewer, events: RowEvents): HTMLElement {
  const kinds = ['message is-mine', pending.failed ? 'is-failed' : 'is-pending', place.first && 'is-first', place.last && 'is-last'];
  return h('article', {
    class: kinds.filter(Boolean).join(' '),
    attrs: { 'data-testid': 'pending-message', 'aria-label': pending.failed ? 'Message not sent' : 'Message on its way' },
  },
  h('div', { class: 'message-main' },
    h('div', { class: 'bubble-row' },
      h('div', { class: 'bubble' },
        pending.quote !== null && quote(pending.quote, viewer, events.goTo),
        body(pending.text, 'text'),
        h('div', { class: 'meta' }, pending.failed ? 'not sent' : pending.waits ? 'waits until you are online' : 'sending…'))),
    pending.failed && h('div', { class: 'failed' },
      h('button', { class: 'link', attrs: { type: 'button' }, on: { click: () => events.retry(pending) } }, 'Try again'),
      h('button', { class: 'link', attrs: { type: 'button' }, on: { click: () => events.discard(pending) } }, 'Discard'))));
}
