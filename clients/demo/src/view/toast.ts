// Short notices over the page: the server's own sentence when something was refused.
import { byId, h, icon } from '../dom.ts';

const SHOWN_MS = 7000;
const AT_MOST = 3;

export function toast(sentence: string, tone: 'bad' | 'good' = 'bad'): void {
  const region = byId('toasts');
  // The same sentence again (a retry that fails anew) is not said twice.
  for (const shown of region.children) if (shown.firstElementChild?.textContent === sentence) return;
  const box = h('div', {
    class: tone === 'good' ? 'toast is-good' : 'toast',
    attrs: { 'data-testid': 'toast', role: tone === 'good' ? 'status' : 'alert' },
  }, h('span', {}, sentence));
  let timer = 0;
  const arm = (): void => {
    timer = window.setTimeout(() => box.remove(), SHOWN_MS);
  };
  box.append(h('button', {
    class: 'icon-button',
    attrs: { type: 'button', 'aria-label': 'Dismiss' },
    on: { click: () => box.remove() },
  }, icon('close')));
  // Somebody who reads or has the focus in it is not hurried.
  for (const name of ['pointerenter', 'focusin']) box.addEventListener(name, () => window.clearTimeout(timer));
  for (const name of ['pointerleave', 'focusout']) box.addEventListener(name, arm);
  while (region.childElementCount >= AT_MOST) region.firstElementChild?.remove();
  region.append(box);
  arm();
}
