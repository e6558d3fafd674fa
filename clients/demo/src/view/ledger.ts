// Where a recall stands, device by device: opened from its gray bar, and kept up to date while it is open.
import { avatar, byId, h, icon } from '../dom.ts';
import type { LedgerPage } from '../model.ts';
import { deviceStateLine, durationLabel, hueOf, initials, progressLine } from '../text.ts';

// Signals come up to four a second; a look at the whole list need not.
const REFRESH_MS = 500;

export interface LedgerEvents {
  load(id: string, after?: string): Promise<LedgerPage>;
  failed(error: unknown): string;
}

export class LedgerView {
  private readonly dialog = byId<HTMLDialogElement>('ledger');
  private readonly sum = byId('ledger-sum');
  private readonly list = byId('ledger-list');
  private readonly more = byId<HTMLButtonElement>('ledger-more');
  private id: string | null = null;
  private pages: LedgerPage[] = [];
  private timer = 0;
  // Counts what was asked: an answer to an earlier question is dropped.
  private asked = 0;

  constructor(private readonly events: LedgerEvents) {
    byId('ledger-close').append(icon('close'));
    byId('ledger-close').addEventListener('click', () => this.close());
    // A click beside the sheet hits the dialog itself.
    this.dialog.addEventListener('click', (event) => {
      if (event.target === this.dialog) this.close();
    });
    this.dialog.addEventListener('close', () => this.closed());
    this.more.addEventListener('click', () => void this.load(true));
  }

  open(id: string): void {
    this.id = id;
    this.pages = [];
    this.draw();
    this.sum.textContent = 'Asking the server…';
    if (!this.dialog.open) this.dialog.showModal();
    void this.load(false);
  }

  close(): void {
    if (this.dialog.open) this.dialog.close();
  }

  // The server told of progress of this recall.
  moved(id: string): void {
    if (id !== this.id || this.timer !== 0) return;
    this.timer = window.setTimeout(() => {
      this.timer = 0;
      void this.load(false);
    }, REFRESH_MS);
  }

  private closed(): void {
    window.clearTimeout(this.timer);
    this.timer = 0;
    this.asked += 1;
    this.id = null;
    this.pages = [];
  }

  private async load(next: boolean): Promise<void> {
    const id = this.id;
    if (id === null) return;
    const asked = ++this.asked;
    const after = next ? this.pages[this.pages.length - 1]?.next : undefined;
    try {
      const page = await this.events.load(id, after ?? undefined);
      if (asked !== this.asked) return;
      this.pages = next ? [...this.pages, page] : [page];
      this.draw();
    } catch (error) {
      if (asked === this.asked) this.sum.textContent = this.events.failed(error);
    }
  }

  private draw(): void {
    const last = this.pages[this.pages.length - 1];
    this.more.hidden = last === undefined || last.next === null;
    this.list.replaceChildren(...this.pages.flatMap((page) => page.devices.map(row)));
    if (last === undefined) return;
    const times = last.halfMS === null || last.maxMS === null ? ''
      : `, half of them within ${durationLabel(last.halfMS)}, the slowest after ${durationLabel(last.maxMS)}`;
    const line = progressLine({ acked: last.counts.acked, devices: last.all }) + times;
    this.sum.textContent = `${line.charAt(0).toUpperCase()}${line.slice(1)}.`;
  }
}

function row(one: LedgerPage['devices'][number]): HTMLElement {
  const { user, device, state, ackMS } = one;
  return h('li', { class: 'ledger-row', attrs: { 'data-testid': 'ledger-device', 'data-state': state, 'data-device': device } },
    avatar(user.name, initials(user.name), hueOf(user.id)),
    h('span', { class: 'ledger-who' },
      h('span', { class: 'ledger-name', attrs: { dir: 'auto' } }, user.name),
      h('span', { class: 'ledger-device' }, one.isThis ? 'this window' : device)),
    h('span', { class: `ledger-state is-${state}` }, deviceStateLine(state, ackMS)));
}
