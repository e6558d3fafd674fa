// This window as a device: its id lives as long as the window, and under it IndexedDB keeps how far the rooms were applied
// and what was recalled, so that a reload resumes. Messages are not stored.
import { IndexedDbStorage, MemoryStorage, type Storage } from 'recall-client';

const DEVICE_KEY = 'recall-demo.device';
const DATABASE = 'recall-demo-';
const DAY_MS = 86_400_000;
// As long as the server counts a device that it does not see.
const KEPT_DAYS = 30;

// Two windows are two devices. The day in the id tells when its database may go.
export function deviceId(renew: boolean): string {
  let id = renew ? null : sessionStorage.getItem(DEVICE_KEY);
  if (id === null) {
    const random = [...crypto.getRandomValues(new Uint8Array(9))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
    id = `web-${Math.floor(Date.now() / DAY_MS)}-${random}`;
    sessionStorage.setItem(DEVICE_KEY, id);
  }
  return id;
}

export function deviceStorage(device: string): Storage {
  if (typeof indexedDB === 'undefined') return new MemoryStorage();
  void forgetOldDevices(device);
  return new IndexedDbStorage(DATABASE + device);
}

async function forgetOldDevices(device: string): Promise<void> {
  const oldest = Math.floor(Date.now() / DAY_MS) - KEPT_DAYS;
  try {
    for (const { name } of await indexedDB.databases()) {
      const day = /^recall-demo-web-(\d+)-/u.exec(name ?? '')?.[1];
      if (name !== undefined && day !== undefined && Number(day) < oldest && name !== DATABASE + device) {
        indexedDB.deleteDatabase(name);
      }
    }
  } catch {
    // A browser that does not list them keeps them; nothing depends on it.
  }
}
