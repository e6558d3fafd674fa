// Bytes on a socket, for what no HTTP or WebSocket library would send.
import net from 'node:net';
import crypto from 'node:crypto';

export class Raw {
  static open(server) {
    return new Promise((resolve, reject) => {
      const raw = new Raw();
      raw.text = '';
      raw.ended = false;
      raw.socket = net.connect({ host: server.host, port: server.port, allowHalfOpen: true }, () => resolve(raw));
      raw.socket.on('error', (error) => { raw.ended = true; reject(error); });
      raw.socket.on('data', (data) => { raw.text += data.toString('latin1'); });
      raw.socket.on('end', () => { raw.ended = true; });
      raw.socket.on('close', () => { raw.ended = true; });
    });
  }

  write(data) {
    if (!this.socket.destroyed) this.socket.write(data);
    return this;
  }

  /** True once `test(raw)` is; false after `ms`. */
  async until(test, ms = 5000) {
    const end = Date.now() + ms;
    while (!test(this)) {
      if (Date.now() > end) return false;
      await new Promise((resolve) => { setTimeout(resolve, 10); });
    }
    return true;
  }

  /** The status of the first final answer (100 left out), or null if the server closed or is silent for `ms`. */
  async status(ms = 5000) {
    const final = /HTTP\/1\.[01] (?!100)(\d{3})/;
    await this.until((raw) => final.test(raw.text) || raw.ended, ms);
    const found = final.exec(this.text);
    return found ? Number(found[1]) : null;
  }

  closed(ms = 5000) { return this.until((raw) => raw.ended, ms); }
  answers() { return (this.text.match(/HTTP\/1\.[01] (?!100)\d{3}/g) ?? []).length; }
  end() { this.socket.destroy(); }
}

/** The head of an HTTP request from its lines, with a Host unless one is given. */
export function head(first, ...lines) {
  const host = lines.some((line) => /^host:/i.test(line)) ? [] : ['Host: 127.0.0.1'];
  return `${[first, ...host, ...lines].join('\r\n')}\r\n\r\n`;
}

/** The lines that open a WebSocket. */
export const upgradeLines = () => ['Upgrade: websocket', 'Connection: Upgrade', 'Sec-WebSocket-Version: 13',
  `Sec-WebSocket-Key: ${crypto.randomBytes(16).toString('base64')}`, 'Sec-WebSocket-Protocol: recall.v1'];

/** Sends one request's bytes and gives {raw, status}. */
export async function exchange(server, bytes, ms) {
  const raw = await Raw.open(server);
  raw.write(bytes);
  return { raw, status: await raw.status(ms) };
}
