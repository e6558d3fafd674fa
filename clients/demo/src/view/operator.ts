// The operator's panel: a broadcast in RongCloud's dialect and its recall, as a back end sends them.
import { byId, icon } from '../dom.ts';
import { sentenceOf } from '../facts.ts';
import { BROADCAST, RECALL, Operator, broadcastFields, canSign, recallFields, type Answer, type Fields } from '../operator.ts';

export interface OperatorTarget {
  id: string;
  from: string;
  sentMS: number;
  label: string;
  line: string;
}

export class OperatorView {
  private readonly panel = byId('operator-panel');
  private readonly toggle = byId('operator-toggle');
  private readonly text = byId<HTMLTextAreaElement>('operator-text');
  private readonly send = byId<HTMLButtonElement>('operator-send');
  private readonly asDelete = byId<HTMLInputElement>('operator-delete');
  private readonly recall = byId<HTMLButtonElement>('operator-recall');
  private readonly operator = new Operator();
  private target: OperatorTarget | null = null;
  private drawn = '';
  private busy = false;

  // `opened` is told, so that another panel makes room; `focusLost` when there is nothing to give the focus back to.
  constructor(private readonly opened: () => void, private readonly focusLost: () => void) {
    byId('operator-close').append(icon('close'));
    this.toggle.addEventListener('click', () => this.open(this.panel.hidden));
    byId('operator-close').addEventListener('click', () => this.open(false));
    this.panel.addEventListener('keydown', (event) => {
      if (event.key === 'Escape') this.open(false);
    });
    byId('operator-unable').hidden = canSign();
    byId('operator-able').hidden = !canSign();
    byId('operator-form').addEventListener('submit', (event) => {
      event.preventDefault();
      void this.broadcast();
    });
    this.text.addEventListener('input', () => this.draw());
    this.asDelete.addEventListener('change', () => this.draw());
    this.recall.addEventListener('click', () => void this.takeBack());
    this.draw();
  }

  open(open: boolean, moveFocus = true): void {
    if (open === !this.panel.hidden) return;
    this.panel.hidden = !open;
    this.toggle.setAttribute('aria-expanded', String(open));
    if (open) {
      this.opened();
      this.draw();
    }
    if (!moveFocus) return;
    if (open) (canSign() ? this.text : byId('operator-close')).focus();
    else if (this.toggle.offsetParent !== null) this.toggle.focus();
    else this.focusLost();
  }

  // The announcement that Recall takes back.
  show(target: OperatorTarget | null): void {
    const now = JSON.stringify(target);
    if (now === this.drawn) return;
    this.drawn = now;
    this.target = target;
    this.draw();
  }

  private draw(): void {
    const { target } = this;
    this.send.disabled = this.busy || this.text.value.trim() === '';
    this.recall.disabled = this.busy || target === null;
    byId('operator-target-label').textContent = target?.label ?? 'Announcement';
    byId('operator-target-line').textContent = target?.line ?? 'Nothing to recall yet';
    byId('operator-target-id').textContent = target?.id ?? '';
    if (this.panel.hidden || !canSign()) return;
    void this.curl('operator-send-code', BROADCAST, broadcastFields(this.text.value.trim() || 'Hello everyone'));
    void this.curl('operator-recall-code', RECALL,
      recallFields(target ?? { id: 'MESSAGE-UID', from: 'News', sentMS: 0 }, this.asDelete.checked));
  }

  private async curl(place: string, path: string, fields: Fields): Promise<void> {
    byId(place).textContent = await this.operator.curl(path, fields);
  }

  private async broadcast(): Promise<void> {
    const text = this.text.value.trim();
    if (text === '' || this.busy) return;
    byId('operator-sent').textContent = '';
    const answer = await this.call(BROADCAST, broadcastFields(text));
    this.tell('operator-sent', answer, `Sent to everyone. messageUID: ${answer.messageUID}`);
    if (answer.ok) this.text.value = '';
    this.draw();
  }

  private async takeBack(): Promise<void> {
    if (this.target === null || this.busy) return;
    const isDelete = this.asDelete.checked;
    byId('operator-recalled').textContent = '';
    const answer = await this.call(RECALL, recallFields(this.target, isDelete));
    this.tell('operator-recalled', answer, isDelete ? 'Recalled: it is gone in every window.' : 'Recalled: a gray bar stands in every window.');
    // The button may be disabled by now, which would lose the focus.
    if (this.recall.disabled && document.activeElement === document.body) byId('operator-close').focus();
  }

  private async call(path: string, fields: Fields): Promise<Answer> {
    this.busy = true;
    this.draw();
    try {
      return await this.operator.call(path, fields);
    } catch (error) {
      return { ok: false, messageUID: '', sentence: sentenceOf(error) };
    } finally {
      this.busy = false;
      this.draw();
    }
  }

  private tell(place: string, answer: Answer, done: string): void {
    const line = byId(place);
    line.classList.toggle('is-bad', !answer.ok);
    line.textContent = answer.ok ? done : answer.sentence;
  }
}
