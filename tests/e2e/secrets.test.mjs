// The log: JSON lines with a request id, never a key, a token or the body of a message.
import assert from 'node:assert/strict';
import { APP, Api, Device, client, makeRoom, makeUsers, newId, platform, sleep, startServer, test } from './lib/suite.mjs';

test('after good and bad traffic of every kind the log holds no secret and is JSON line by line', async () => {
  const server = await startServer({ server: { threads: 2 } });
  const admin = platform(server, APP);
  const body = `body-${newId()}`;
  const bound = `bound-${newId()}`;
  const wrong = `wrong-${newId()}`;
  const { ann, ben } = await makeUsers(server, APP, 'ann', 'ben');
  await admin.post('/admin/clients', { _id: 'cho', nickname: 'Cho', token: bound, expirationDate: new Date(Date.now() + 60000).toISOString() });
  const room = await makeRoom(ann, [ben]);
  const device = await Device.follow(server, APP, ann, room);
  const sent = await ann.api.send(room, body, { extra: body });
  await ann.api.send(room, body, { _id: sent._id });
  await device.do({ op: 'send', room, messageType: 'text', message: body });
  await ann.api.recall(room, sent._id, { extra: body, reason: body });
  await ann.api.call('POST', `/rooms/${room}/message`, `{"message":"${body}", broken`);
  await ann.api.call('POST', `/rooms/${room}/message`, { message: { [body]: body }, messageType: 5 });
  await ann.api.call('POST', '/rooms/none/message', { message: body, messageType: 'text' });
  await client(server, APP, wrong).call('GET', '/rooms');
  await client(server, APP, `${ann.token}x`).call('GET', '/rooms');
  await new Api(server.base, { 'IM-API-KEY': wrong }).call('GET', '/rooms');
  await admin.call('PUT', '/admin/clients/nobody/token', { token: wrong, expirationDate: 'x' });
  const late = await Device.connect(server);
  late.sendFrame({ op: 'auth', id: 1, clientKey: APP.client_key, token: wrong });
  await late.closed;
  device.sendFrame(`{"op":"send","message":"${body}"`);
  await device.closed;
  await sleep(200);
  await server.stop();
  const log = server.log();
  for (const [what, secret] of Object.entries({ 'the text of a message': body, 'a bound token': bound, 'a wrong token': wrong,
    'a token': ann.token, 'a signature': ann.token.split('.')[2], 'the API key': APP.api_key,
    'the token secret': APP.token_secret, 'the app secret': APP.app_secret })) {
    assert.ok(!log.includes(secret), `${what} is in the log:\n${log.split('\n').find((line) => line.includes(secret))}`);
    assert.ok(!server.output().includes(secret), `${what} is on standard output`);
  }
  const lines = server.logLines();
  assert.ok(lines.length > 2);
  for (const line of lines) assert.equal(typeof JSON.parse(line), 'object', line);
});
