// The panel with the one line a back end needs: a recall by the platform key, as IMKit's page shows it.
import { byId, icon } from '../dom.ts';
import { curlLine } from '../text.ts';
import { toast } from './toast.ts';

// Public on purpose: the key of `recalld --demo`, which listens on the loopback address only.
const DEMO_API_KEY = 'demo-api-key';

export interface CurlTarget {
  room: string;
  id: string;
  label: string;
  line: string;
}

export class CurlView {
  private readonly panel = byId('curl-panel');
  private readonly toggle = byId('curl-toggle');
  private readonly code = byId('curl-code');
  private readonly copy = byId<HTMLButtonElement>('curl-copy');
  private readonly asDelete = byId<HTMLInputElement>('curl-delete');
  private target: CurlTarget | null = null;

  // `opened` is told, so that another panel makes room.
  constructor(private readonly opened: () => void) {
    byId('curl-close').append(icon('close'));
    this.toggle.append(icon('code'));
    this.copy.append(icon('copy'), 'Copy the line');
    this.toggle.addEventListener('click', () => this.open(this.panel.hidden));
    byId('curl-close').addEventListener('click', () => this.open(false));
    this.panel.addEventListener('keydown', (event) => {
      if (event.key === 'Escape') this.open(false);
    });
    this.asDelete.addEventListener('change', () => this.draw());
    this.copy.addEventListener('click', () => void this.copyLine());
  }

  // On a wide screen it is there from the start.
  openIfWide(): void {
    if (window.matchMedia('(min-width: 1180px)').matches) this.open(true, false);
  }

  open(open: boolean, moveFocus = true): void {
    this.panel.hidden = !open;
    this.toggle.setAttribute('aria-expanded', String(open));
    if (open) this.opened();
    if (!moveFocus) return;
    if (open) byId('curl-close').focus();
    else this.toggle.focus();
  }

  show(target: CurlTarget | null): void {
    this.target = target;
    this.draw();
  }

  private draw(): void {
    const target = this.target;
    byId('curl-target-label').textContent = target?.label ?? 'Message';
    byId('curl-target-line').textContent = target?.line ?? 'Send one first';
    this.copy.disabled = target === null;
    this.code.textContent = curlLine({
      origin: location.origin,
      room: target?.room ?? 'demo-room',
      id: target?.id ?? 'MESSAGE-ID',
      apiKey: DEMO_API_KEY,
      isDelete: this.asDelete.checked,
    });
  }

  private async copyLine(): Promise<void> {
    try {
      await navigator.clipboard.writeText(this.code.textContent ?? '');
      toast('Copied. Paste it into a terminal.', 'good');
    } catch {
      // No clipboard for this page (plain http off loopback, or refused): select the line, so that Ctrl+C takes it.
      const range = document.createRange();
      range.selectNodeContents(this.code);
      const selection = window.getSelection();
      selection?.removeAllRanges();
      selection?.addRange(range);
      toast('The line is selected: press Ctrl+C to copy it.', 'good');
    }
  }
}
