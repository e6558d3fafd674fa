// One keep-alive HTTP connection, and what is known when it dies in the middle of a call.
import http from 'node:http';

const LIMIT_MS = 15000;

export class Line {
  constructor() { this.agent = new http.Agent({ keepAlive: true, maxSockets: 1 }); }

  /** {status, data, startAt, endAt}; status 0 when no answer came: then nobody knows whether it was done. */
  call(server, headers, method, path, body) {
    const startAt = performance.now();
    const text = body === undefined ? undefined : JSON.stringify(body);
    return new Promise((resolve) => {
      const finish = (status, data) => resolve({ status, data, startAt, endAt: performance.now() });
      const request = http.request({
        host: server.host, port: server.port, method, path, agent: this.agent, timeout: LIMIT_MS,
        headers: { ...headers, ...(text && { 'Content-Type': 'application/json; charset=utf-8', 'Content-Length': Buffer.byteLength(text) }) },
      }, (response) => {
        const parts = [];
        response.on('data', (part) => parts.push(part));
        response.on('error', () => finish(0));
        response.on('aborted', () => finish(0));
        response.on('end', () => {
          if (!response.complete) { finish(0); return; }
          const raw = Buffer.concat(parts).toString();
          try { finish(response.statusCode, JSON.parse(raw)); } catch { finish(response.statusCode, { raw }); }
        });
      });
      request.on('timeout', () => { this.hung = `${method} ${path}: no answer in ${LIMIT_MS} ms`; request.destroy(); });
      request.on('error', () => finish(0));
      request.end(text);
    });
  }

  close() { this.agent.destroy(); }
}

/** Numbers of the texts whose content stands in these bytes. */
export function tokensIn(text) {
  return [...new Set([...text.matchAll(/secret#(\d+)#/g)].map((match) => Number(match[1])))];
}

export const textOf = (token, filler = 0) => `secret#${token}# ${'~'.repeat(filler)}`;
