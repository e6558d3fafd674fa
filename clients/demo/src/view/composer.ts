// The message box: a new message, an answer to one, an edit of one.
import { byId, icon, type IconName } from '../dom.ts';

export type Purpose =
  | { kind: 'new' }
  | { kind: 'reply'; id: string; name: string; line: string }
  | { kind: 'edit'; id: string; text: string };

export interface ComposerEvents {
  send(text: string, purpose: Purpose): void;
  typing(): void;
}

export class Composer {
  private readonly input = byId<HTMLTextAreaElement>('composer-input');
  private readonly button = byId<HTMLButtonElement>('composer-send');
  private readonly context = byId('composer-context');
  private purpose: Purpose = { kind: 'new' };
  // What stood in the box before an edit took its place.
  private draft = '';

  constructor(private readonly events: ComposerEvents) {
    byId('composer-context-cancel').append(icon('close'));
    byId('composer-context-cancel').addEventListener('click', () => this.cancel());
    byId('composer-form').addEventListener('submit', (event) => {
      event.preventDefault();
      this.submit();
    });
    this.input.addEventListener('keydown', (event) => this.key(event));
    this.input.addEventListener('input', () => {
      this.changed();
      if (this.input.value.trim() !== '') this.events.typing();
    });
    this.changed();
  }

  focus(): void {
    this.input.focus();
  }

  reply(id: string, name: string, line: string): void {
    if (this.purpose.kind === 'edit') this.cancel();
    this.purpose = { kind: 'reply', id, name, line };
    this.changed();
    this.focus();
  }

  edit(id: string, text: string): void {
    if (this.purpose.kind !== 'edit') this.draft = this.input.value;
    this.purpose = { kind: 'edit', id, text };
    this.fill(text);
  }

  // Puts back the text of a recalled message, to be sent anew.
  reEdit(text: string): void {
    if (this.purpose.kind === 'edit') this.purpose = { kind: 'new' };
    this.fill(text);
  }

  // The message that this answers or edits is gone: an answer would quote nothing, an edit would be refused.
  forget(id: string): void {
    if (this.purpose.kind !== 'new' && this.purpose.id === id) this.cancel();
  }

  reset(): void {
    this.purpose = { kind: 'new' };
    this.draft = '';
    this.input.value = '';
    this.changed();
  }

  private fill(text: string): void {
    this.input.value = text;
    this.changed();
    this.focus();
    this.input.setSelectionRange(text.length, text.length);
  }

  private cancel(): void {
    if (this.purpose.kind === 'edit') {
      this.input.value = this.draft;
      this.draft = '';
    }
    this.purpose = { kind: 'new' };
    this.changed();
    this.focus();
  }

  private submit(): void {
    const text = this.input.value.trim();
    if (text === '') return;
    const purpose = this.purpose;
    this.input.value = purpose.kind === 'edit' ? this.draft : '';
    this.draft = '';
    this.purpose = { kind: 'new' };
    this.changed();
    this.focus();
    if (purpose.kind === 'edit' && purpose.text === text) return;
    this.events.send(text, purpose);
  }

  private key(event: KeyboardEvent): void {
    // While an input method composes a word, Enter and Esc are its own.
    if (event.isComposing) return;
    if (event.key === 'Enter' && !event.shiftKey) {
      event.preventDefault();
      this.submit();
    } else if (event.key === 'Escape' && this.purpose.kind !== 'new') {
      event.preventDefault();
      this.cancel();
    }
  }

  private contextLine(): string {
    if (this.purpose.kind === 'new') return '';
    return this.purpose.kind === 'reply' ? this.purpose.line : this.purpose.text;
  }

  private changed(): void {
    const editing = this.purpose.kind === 'edit';
    this.context.hidden = this.purpose.kind === 'new';
    const mark: IconName = editing ? 'edit' : 'reply';
    this.context.firstElementChild?.replaceChildren(icon(mark));
    byId('composer-context-title').textContent = this.purpose.kind === 'reply' ? `Reply to ${this.purpose.name}` : 'Edit message';
    // Emptied as well, not only hidden: a copy of a text that may be recalled later must not stay in the page.
    byId('composer-context-line').textContent = this.contextLine();
    this.button.replaceChildren(icon(editing ? 'check' : 'send'));
    this.button.setAttribute('aria-label', editing ? 'Save' : 'Send');
    this.button.disabled = this.input.value.trim() === '';
    // Grows with its text up to the limit set in the style sheet.
    this.input.style.height = 'auto';
    this.input.style.height = `${this.input.scrollHeight}px`;
  }
}
