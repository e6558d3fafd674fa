// On a narrow screen the side column is a drawer: Esc or a tap beside it closes it, the focus goes back to its button.
import { byId, icon } from '../dom.ts';

export class Drawer {
  private readonly side = byId('side');
  private readonly scrim = byId('scrim');
  private readonly opener = byId('side-open');

  constructor() {
    this.opener.append(icon('menu'));
    byId('side-close').append(icon('close'));
    this.opener.addEventListener('click', () => this.open());
    byId('side-close').addEventListener('click', () => this.close());
    this.scrim.addEventListener('click', () => this.close());
    this.side.addEventListener('keydown', (event) => {
      if (event.key === 'Escape') this.close();
    });
    // Grown wide again: the column is simply there.
    window.matchMedia('(min-width: 760px)').addEventListener('change', () => this.close());
  }

  close(): void {
    if (!this.side.classList.contains('is-open')) return;
    this.side.classList.remove('is-open');
    this.scrim.hidden = true;
    byId('main').inert = false;
    this.opener.setAttribute('aria-expanded', 'false');
    this.opener.focus();
  }

  unread(count: number): void {
    this.opener.toggleAttribute('data-unread', count > 0);
    this.opener.setAttribute('aria-label', count > 0 ? `Open the room list, ${count} unread` : 'Open the room list');
  }

  private open(): void {
    this.side.classList.add('is-open');
    this.scrim.hidden = false;
    byId('main').inert = true;
    this.opener.setAttribute('aria-expanded', 'true');
    byId('side-close').focus();
  }
}
