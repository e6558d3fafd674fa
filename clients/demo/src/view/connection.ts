// The pill that tells the connection's state, and the switch beside it. The countdown is for the eye; a screen reader hears only the change.
import { byId } from '../dom.ts';
import type { Connection } from '../model.ts';

const WORDS = { connecting: 'Connecting', online: 'Online', offline: 'Offline', reconnecting: 'Reconnecting' } as const;

export class ConnectionView {
  private readonly pill = byId('connection');
  private readonly text = byId('connection-text');
  // A phone's header has no room for the long word beside the room's name.
  private readonly narrow = window.matchMedia('(max-width: 479px)');
  private readonly status = byId('connection-status');
  private readonly toggle = byId<HTMLButtonElement>('offline-switch');
  private timer = 0;

  constructor(change: (off: boolean) => void) {
    this.toggle.addEventListener('click', () => change(this.toggle.getAttribute('aria-checked') === 'true'));
  }

  // Whether the user switched the connection off.
  showOff(off: boolean): void {
    this.toggle.setAttribute('aria-checked', String(!off));
    this.toggle.title = off ? 'Go online' : 'Go offline';
    byId('offline-line').hidden = !off;
  }

  show(connection: Connection): void {
    window.clearInterval(this.timer);
    const word = WORDS[connection.state];
    if (this.pill.dataset.state !== connection.state || this.status.textContent === '') this.status.textContent = word;
    this.pill.dataset.state = connection.state;
    this.text.textContent = word;
    if (connection.state !== 'reconnecting') return;
    const draw = (): void => {
      const seconds = Math.max(0, Math.ceil((connection.untilMS - Date.now()) / 1000));
      if (seconds > 0) this.text.textContent = `${this.narrow.matches ? 'Retry' : word} in ${seconds}s`;
      else this.text.textContent = this.narrow.matches ? WORDS.connecting : word;
      if (seconds === 0) window.clearInterval(this.timer);
    };
    draw();
    this.timer = window.setInterval(draw, 250);
  }
}
