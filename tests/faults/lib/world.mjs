// The server of a round through its lives: started, killed at a crash point or from outside or drained, started again on the
// same database; and who may ask for it meanwhile.
import fs from 'node:fs';
import path from 'node:path';
import { platform, signToken } from '../../e2e/lib/api.mjs';
import { sleep, startServer, tempDir } from '../../e2e/lib/server.mjs';
import { Device } from '../../e2e/lib/socket.mjs';
import { tokensIn } from './http.mjs';

/** How a life goes on whose crash point came before its traffic could begin. */
export const AFTER_START = Object.freeze({ kind: 'kill', waitMS: 300 });

export class World {
  constructor(plan) {
    Object.assign(this, { plan, dir: tempDir(`round${plan.index}`), server: null, waiting: [], lives: [], trafficOver: false, settling: false, over: false });
    this.platformHeaders = { 'IM-API-KEY': plan.app.api_key };
    this.tokens = new Map(plan.users.map((user) => [user, signToken(plan.app, { sub: user })]));
  }

  userHeaders(user) { return { 'IM-CLIENT-KEY': this.plan.app.client_key, 'IM-Authorization': this.tokens.get(user) }; }

  /** The server once it runs; null when the round is over. */
  running() {
    if (this.server || this.over) return this.server;
    return new Promise((resolve) => { this.waiting.push(resolve); });
  }

  pause(ms) { return sleep(ms); }

  up(server) {
    this.server = server;
    this.waiting.splice(0).forEach((resolve) => resolve(server));
  }

  /** A publisher got an answer: the first one after a start ends the recovery. */
  answered(at) {
    const life = this.lives.at(-1);
    if (life && life.firstAnswer === undefined) life.firstAnswer = at - life.startAt;
  }

  async start(end) {
    const life = { end, startAt: performance.now() };
    const env = end?.kind === 'crash' ? { RECALLD_CRASHPOINT: `${end.point}:${end.count}` } : {};
    const { server, app } = this.plan;
    this.lives.push(life);
    try {
      life.server = await startServer({ dir: this.dir, server, apps: [{ ...app, recall_window: 0 }], env });
    } catch (error) {
      // The crash point may lie in the start itself: then the next start has to do without one.
      if (end?.kind !== 'crash' || !error.message.includes('"signal":"SIGKILL"')) throw error;
      life.hit = true;
      return this.start(AFTER_START);
    }
    return life;
  }

  /** Lets a life go on until its end. */
  async end(life) {
    const { end, server } = life;
    await Promise.race([server.ended, sleep(end.waitMS)]);
    this.server = null;
    life.hit = !server.alive();
    if (life.hit) {
      const { signal } = await server.ended;
      if (end.kind !== 'crash' || signal !== 'SIGKILL') throw new Error(`the server ended by itself (${signal}):\n${server.log().slice(-3000)}`);
      server.checkSanitizers();
    } else if (end.kind === 'drain') await server.stop();
    else await server.kill9();
  }

  /** Users and rooms; again after a crash, whatever of it is there already. */
  async prepare(server) {
    const { plan } = this;
    const api = platform(server, plan.app);
    await api.post('/admin/clients/list', plan.users.map((user) => ({ _id: user, nickname: user })));
    for (const room of plan.rooms) {
      const known = await api.call('GET', `/rooms/${room}`);
      if (known.status === 404) await this.makeRoom(server, room);
    }
    const device = await Device.follow(server, plan.app, { token: this.tokens.get(plan.users[0]) }, plan.rooms, { device: 'prepare' });
    this.epoch = device.positions[plan.rooms[0]].epoch;
    await device.close();
  }

  async makeRoom(server, room) {
    const { users, app } = this.plan;
    const answer = await fetch(`${server.base}/rooms/createAndJoin`, {
      method: 'POST', headers: { ...this.userHeaders(users[0]), 'Content-Type': 'application/json' },
      body: JSON.stringify({ _id: room, name: room, roomType: 'group', invitee: users.slice(1) }),
    });
    if (answer.status !== 200) throw new Error(`room ${room} of ${app.name}: ${answer.status} ${await answer.text()}`);
    await answer.text();
  }

  /** Tokens of contents that stand anywhere in the folder: database, its log, the server's logs. */
  tokensOnDisk() {
    const found = new Set();
    const walk = (folder) => {
      for (const entry of fs.readdirSync(folder, { withFileTypes: true })) {
        const name = path.join(folder, entry.name);
        if (entry.isDirectory()) walk(name);
        else for (const token of tokensIn(fs.readFileSync(name, 'latin1'))) found.add(token);
      }
    };
    walk(this.dir);
    return [...found];
  }
}
