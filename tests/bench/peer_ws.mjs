// The peer `ws`: npm's WebSocket server with a prepared frame, controlled by lines as FLOOR is. Started by row_peers.c.
import net from 'node:net';
import http from 'node:http';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const require = createRequire(path.join(path.dirname(fileURLToPath(import.meta.url)), '..', 'package.json'));
const { WebSocketServer, Sender } = require('ws');

const rooms = new Map();
let frameBytes = 368;

const roomOf = (name) => {
  if (!rooms.has(name)) rooms.set(name, { members: new Set(), head: 0 });
  return rooms.get(name);
};

const server = http.createServer();
const sockets = new WebSocketServer({ server, perMessageDeflate: false, clientTracking: false, skipUTF8Validation: true });
sockets.on('connection', (socket, request) => {
  const room = roomOf(request.url.slice(1));
  room.members.add(socket);
  socket.on('close', () => room.members.delete(socket));
  socket.on('error', () => room.members.delete(socket));
});

// Header and text are made once for all members, and written as one buffer.
function publish(room) {
  room.head += 1;
  const bytes = frameBytes - (frameBytes - 2 <= 125 ? 2 : 4);
  const head = `{"op":"event","seq":${String(room.head).padEnd(12)},"pad":"`;
  const text = Buffer.from(`${head}${'x'.repeat(bytes - head.length - 2)}"}`);
  const frame = Buffer.concat(Sender.frame(text, { fin: true, rsv1: false, opcode: 1, mask: false, readOnly: true }));
  for (const member of room.members) member._sender.sendFrame([frame]);
}

const control = net.createServer((connection) => {
  let rest = '';
  connection.setNoDelay(true);
  connection.on('error', () => {});
  connection.on('data', (data) => {
    const lines = (rest + data).split('\n');
    rest = lines.pop();
    for (const line of lines) {
      const [word, value] = line.split(' ');
      if (word === 'frame') frameBytes = Number(value);
      else if (word === 'send') publish(roomOf(value));
    }
  });
});

server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () => {
  control.listen(0, '127.0.0.1', () => {
    console.log(`ws ready port=${server.address().port} control=${control.address().port}`);
  });
});
process.on('SIGTERM', () => process.exit(0));
