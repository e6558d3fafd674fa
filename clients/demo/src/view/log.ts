// The message log: keeps one element per row and touches only what changed, so that focus, scroll position and what a
// screen reader has already said stay as they are.
import { byId, h, icon } from '../dom.ts';
import type { Entry, MessageEntry, Pending, Viewer } from '../model.ts';
import { dayKey, dayLabel } from '../text.ts';
import { messageRow, noticeRow, pendingRow, updateNotice, type Place, type RowEvents } from './message.ts';

const GROUP_MS = 5 * 60_000;
// This near to the end counts as reading the newest message.
const NEAR_PX = 80;

export interface LogEvents extends RowEvents {
  earlier(): void;
  // The reader came to the end of the log, or left it.
  reading(): void;
  // The row that had the focus was taken away.
  focusLost(): void;
}

export interface LogState {
  entries: readonly Entry[];
  pending: readonly Pending[];
  viewer: Viewer;
  selected: string | null;
  loading: 'under way' | 'failed' | 'done';
  hasEarlier: boolean;
  // Shown instead of an empty log.
  empty(): HTMLElement;
}

interface Row {
  key: string;
  // All that the element shows: as long as it is the same, the element stays.
  facts: string;
  build(): HTMLElement;
  // What may change in an element that stays.
  update?(element: HTMLElement): void;
}

export class LogView {
  private readonly root = byId('log');
  private readonly jump = byId<HTMLButtonElement>('jump');
  private rows = new Map<string, { facts: string; element: HTMLElement }>();
  private active: string | null = null;
  private filled = false;
  private atEnd = true;
  private seenTop = 0;
  private newBelow = 0;

  constructor(private readonly events: LogEvents) {
    this.root.addEventListener('scroll', () => this.scrolled(), { passive: true });
    this.root.addEventListener('keydown', (event) => this.key(event));
    this.root.addEventListener('focusin', (event) => {
      const row = (event.target as HTMLElement).closest<HTMLElement>('[data-message-id]');
      if (row?.dataset.messageId === undefined) return;
      this.activate(row.dataset.messageId);
      this.events.select(row.dataset.messageId);
    });
    this.jump.addEventListener('click', () => {
      this.toEnd(true);
      this.events.focusLost();
    });
    // A phone's keyboard, a quote above the box: whoever reads the end goes on reading it.
    new ResizeObserver(() => {
      if (this.atEnd) this.toEnd(false);
    }).observe(this.root);
  }

  get isAtEnd(): boolean {
    return this.atEnd;
  }

  reset(): void {
    this.root.replaceChildren();
    this.rows.clear();
    this.active = null;
    this.filled = false;
    this.atEnd = true;
    this.newBelow = 0;
    this.drawJump();
  }

  render(state: LogState): void {
    // The browser tells of a scroll a little later than it happens (a focus that moved may have caused one).
    if (this.root.scrollTop !== this.seenTop) this.scrolled();
    const rows = this.plan(state);
    const focused = this.focusedKey();
    const height = this.root.scrollHeight;
    const anchor = this.atEnd ? null : this.firstVisible();
    this.root.setAttribute('aria-busy', String(state.loading === 'under way'));
    this.place(rows, state);
    for (const { element } of this.rows.values()) {
      element.classList.toggle('is-selected', state.selected !== null && element.dataset.messageId === state.selected);
    }
    this.rove();
    if (focused !== null) this.restoreFocus(focused);
    // Follows what was added, and nothing else: a log that moves under the pointer makes a click miss.
    if (this.atEnd && this.root.scrollHeight !== height) this.toEnd(false);
    else if (anchor !== null && anchor.element.isConnected) this.root.scrollTop += anchor.element.offsetTop - anchor.top;
    this.filled = state.loading === 'done';
    this.drawJump();
  }

  goTo(id: string): void {
    const row = this.rows.get(`m:${id}`)?.element;
    if (row === undefined) return;
    row.scrollIntoView({ block: 'center', behavior: this.motion() });
    row.focus({ preventScroll: true });
  }

  toEnd(smooth: boolean): void {
    this.root.scrollTo({ top: this.root.scrollHeight, behavior: smooth ? this.motion() : 'instant' });
    this.seenTop = this.root.scrollTop;
    this.atEnd = true;
    this.newBelow = 0;
    this.drawJump();
  }

  private motion(): ScrollBehavior {
    return window.matchMedia('(prefers-reduced-motion: reduce)').matches ? 'instant' : 'smooth';
  }

  private plan(state: LogState): Row[] {
    const rows: Row[] = [];
    const { entries, pending, viewer } = state;
    if (state.loading !== 'done' && entries.length === 0 && pending.length === 0) {
      return [{ key: 'loading', facts: state.loading, build: () => this.waiting(state.loading === 'failed') }];
    }
    if (entries.length === 0 && pending.length === 0) {
      return [{ key: 'empty', facts: viewer.me.id, build: state.empty }];
    }
    if (state.hasEarlier) {
      const press = { click: () => this.events.earlier() };
      rows.push({
        key: 'earlier', facts: '',
        build: () => h('button', { class: 'ghost earlier', attrs: { type: 'button', 'data-testid': 'earlier' }, on: press },
          'Earlier messages'),
      });
    }
    const now = Date.now();
    const names = JSON.stringify([viewer.me, viewer.readOnly]);
    let day = '';
    entries.forEach((entry, index) => {
      const thisDay = dayKey(entry.timeMS);
      if (thisDay !== day) {
        day = thisDay;
        const label = dayLabel(entry.timeMS, now);
        rows.push({
          key: `d:${day}`, facts: label,
          build: () => h('div', { class: 'day', attrs: { role: 'separator', 'data-testid': 'day' } }, h('span', {}, label)),
        });
      }
      if (entry.kind === 'notice') {
        const { reach: _moves, ...lasting } = entry;
        const facts = JSON.stringify([lasting, viewer.moderates]) + names + String(viewer.nameOf(entry.operatorId));
        rows.push({
          key: `m:${entry.id}`, facts,
          build: () => noticeRow(entry, viewer, this.events),
          update: (element) => updateNotice(element, entry),
        });
        return;
      }
      const place = placeOf(entry, entries[index - 1], entries[index + 1]);
      const facts = JSON.stringify([entry, place, viewer.moderates]) + names;
      rows.push({ key: `m:${entry.id}`, facts, build: () => messageRow(entry, place, viewer, this.events) });
    });
    pending.forEach((one, index) => {
      const place = { first: index === 0, last: index === pending.length - 1 };
      rows.push({
        key: `p:${one.key}`, facts: JSON.stringify([one, place]),
        build: () => pendingRow(one, place, viewer, this.events),
      });
    });
    return rows;
  }

  private waiting(failed: boolean): HTMLElement {
    if (!failed) return h('p', { class: 'loading' }, 'Loading messages…');
    const again = h('button', { class: 'ghost', attrs: { type: 'button' }, on: { click: () => this.events.earlier() } }, 'Try again');
    return h('p', { class: 'loading' }, 'The messages could not be loaded. ', again);
  }

  private place(rows: readonly Row[], state: LogState): void {
    const keys = new Set(rows.map((row) => row.key));
    // First what goes, so that nothing that stays has to be moved (moving an element takes its focus away).
    for (const [key, { element }] of this.rows) {
      if (!keys.has(key)) element.remove();
    }
    const kept = new Map<string, { facts: string; element: HTMLElement }>();
    let at: ChildNode | null = this.root.firstChild;
    const tail = rows.length - 1;
    rows.forEach((row, index) => {
      const before = this.rows.get(row.key);
      let element: HTMLElement;
      if (before !== undefined && before.facts === row.facts) {
        element = before.element;
        row.update?.(element);
      } else {
        element = row.build();
        const becameNotice = before !== undefined && before.element.dataset.testid !== element.dataset.testid;
        const arrived = before === undefined && index === tail && !this.replacesPending(state, row.key);
        if (this.filled && (arrived || becameNotice)) element.classList.add('is-new');
        if (arrived && this.filled && !this.atEnd && row.key.startsWith('m:')) this.newBelow += 1;
        if (before !== undefined) {
          if (at === before.element) at = at.nextSibling;
          before.element.replaceWith(element);
        }
      }
      kept.set(row.key, { facts: row.facts, element });
      if (element === at) at = at.nextSibling;
      else if (element.nextSibling !== at || element.parentNode !== this.root) this.root.insertBefore(element, at);
    });
    this.rows = kept;
  }

  // One's own message that takes the place of its pending bubble does not move in a second time.
  private replacesPending(state: LogState, key: string): boolean {
    const entry = state.entries[state.entries.length - 1];
    return entry !== undefined && key === `m:${entry.id}` && entry.kind === 'message' && entry.author?.id === state.viewer.me.id;
  }

  private focusedKey(): string | null {
    const focused = document.activeElement;
    if (focused === null || !this.root.contains(focused)) return null;
    return (focused as HTMLElement).closest<HTMLElement>('[data-message-id]')?.dataset.messageId ?? '';
  }

  private restoreFocus(id: string): void {
    if (this.root.contains(document.activeElement)) return;
    const row = this.rows.get(`m:${id}`)?.element;
    if (row === undefined) this.events.focusLost();
    else (row.querySelector<HTMLElement>('.link') ?? row).focus({ preventScroll: true });
  }

  private firstVisible(): { element: HTMLElement; top: number } | null {
    for (const { element } of this.rows.values()) {
      if (element.dataset.messageId === undefined) continue;
      if (element.offsetTop + element.offsetHeight >= this.root.scrollTop) return { element, top: element.offsetTop };
    }
    return null;
  }

  private scrolled(): void {
    const was = this.atEnd;
    this.seenTop = this.root.scrollTop;
    this.atEnd = this.root.scrollHeight - this.root.scrollTop - this.root.clientHeight < NEAR_PX;
    if (this.atEnd) this.newBelow = 0;
    if (was !== this.atEnd) this.events.reading();
    this.drawJump();
  }

  private drawJump(): void {
    this.jump.hidden = this.atEnd;
    const label = this.newBelow > 0 ? `${this.newBelow} new` : 'Newest';
    if (this.jump.dataset.label === label) return;
    this.jump.dataset.label = label;
    this.jump.replaceChildren(icon('down'), label);
  }

  // Roving tabindex: the log is one stop of the Tab key, arrow keys move inside it.
  private items(): HTMLElement[] {
    return [...this.root.querySelectorAll<HTMLElement>('[data-message-id]')];
  }

  private activate(id: string): void {
    if (this.active === id) return;
    this.active = id;
    this.rove();
  }

  private rove(): void {
    const items = this.items();
    const active = items.find((item) => item.dataset.messageId === this.active) ?? items[items.length - 1];
    for (const item of items) {
      item.tabIndex = item === active ? 0 : -1;
      const more = item.querySelector<HTMLElement>('.more, .notice-progress');
      if (more !== null) more.tabIndex = item === active ? 0 : -1;
    }
  }

  private key(event: KeyboardEvent): void {
    const row = event.target as HTMLElement;
    if (row.dataset.messageId === undefined) return;
    const items = this.items();
    const at = items.indexOf(row);
    let next: HTMLElement | undefined;
    if (event.key === 'ArrowUp') next = items[at - 1];
    else if (event.key === 'ArrowDown') next = items[at + 1];
    else if (event.key === 'Home') next = items[0];
    else if (event.key === 'End') next = items[items.length - 1];
    else if (event.key === 'Enter' || event.key === ' ' || event.key === 'ContextMenu') {
      (row.querySelector<HTMLElement>('.more, .link') ?? row.querySelector<HTMLElement>('.notice-progress'))?.click();
    } else return;
    event.preventDefault();
    next?.focus();
  }
}

function placeOf(entry: MessageEntry, before: Entry | undefined, after: Entry | undefined): Place {
  const together = (one: Entry | undefined): boolean => one !== undefined && one.kind === 'message'
    && one.author?.id === entry.author?.id
    && Math.abs(one.timeMS - entry.timeMS) < GROUP_MS
    && dayKey(one.timeMS) === dayKey(entry.timeMS);
  return { first: !together(before), last: !together(after) };
}
