// What the SDK has beyond what we offer: each function is answered by RongCloud's 404 JSON, and nothing breaks.
import assert from 'node:assert/strict';
import { FREE, bad, checkRefused, fileServer, good, post, sdkOf, test } from './lib.mjs';

const server = await fileServer({ apps: [FREE] });
const rc = sdkOf(server, FREE);
const members = [{ id: 'ann' }, { id: 'ben' }];
const txt = { objectName: 'RC:TxtMsg', content: { content: 'x' } };
const template = { senderId: 'ann', objectName: 'RC:TxtMsg', template: { content: '{name}' }, content: { ben: { data: { '{name}': 'Ben' }, push: 'x' } } };

/** Functions that the other files run. */
const OFFERED = ['User.Tag.set', 'User.Tag.remove', 'User.Tag.batchSet', 'User.Tag.batchRemove', 'User.Tag.getList', 'User.OnlineStatus.get',
  'User.register', 'User.update', 'Message.History.get', 'Message.History.remove', 'Message.Private.send', 'Message.Private.recall',
  'Message.Chatroom.send', 'Message.Discussion.recall', 'Message.System.send', 'Message.System.broadcast', 'Message.Group.send',
  'Message.Group.sendMention', 'Message.Group.recall', 'Group.create', 'Group.join', 'Group.quit', 'Group.dismiss', 'Group.update', 'Group.get',
  'Chatroom.create', 'Chatroom.destory', 'Chatroom.destroy', 'Push.push', 'Push.message'];

/** Functions that are not offered: the path that the SDK calls, and arguments that it lets through. */
const NOT_OFFERED = {
  'User.Block.add': ['user/block', { id: 'ann', minute: 5 }],
  'User.Block.remove': ['user/unblock', { id: 'ann' }],
  'User.Block.getList': ['user/block/query'],
  'User.Blacklist.add': ['user/blacklist/add', { id: 'ann', blacklist: members }],
  'User.Blacklist.remove': ['user/blacklist/remove', { id: 'ann', blacklist: members }],
  'User.Blacklist.getList': ['user/blacklist/query', { id: 'ann' }],
  'Sensitive.add': ['sensitiveword/add', { type: 0, keyword: 'bad', replace: '*' }],
  'Sensitive.remove': ['sensitiveword/batch/delete', { keywords: ['bad'] }],
  'Sensitive.getList': ['sensitiveword/list'],
  'Message.Private.sendTemplate': ['message/private/publish_template', template],
  'Message.System.sendTemplate': ['message/system/publish_template', template],
  'Message.Chatroom.broadcast': ['message/chatroom/broadcast', { senderId: 'ann', ...txt }],
  'Message.Discussion.send': ['message/discussion/publish', { senderId: 'ann', targetId: 'd', ...txt }],
  'Conversation.mute': ['conversation/notification/set', { type: 'PRIVATE', userId: 'ann', targetId: 'ben' }],
  'Conversation.unmute': ['conversation/notification/set', { type: 'PRIVATE', userId: 'ann', targetId: 'ben' }],
  'Group.sync': ['group/sync', { id: 'ann', groups: [{ id: 'g', name: 'G' }] }],
  'Group.Gag.add': ['group/user/gag/add', { id: 'g', members, minute: 5 }],
  'Group.Gag.remove': ['group/user/gag/rollback', { id: 'g', members }],
  'Group.Gag.getList': ['group/user/gag/list', { id: 'g' }],
  'Group.Mute.All.add': ['group/ban/add', { groups: [{ id: 'g' }] }],
  'Group.Mute.All.remove': ['group/ban/rollback', { groups: [{ id: 'g' }] }],
  'Group.Mute.All.getList': ['group/ban/query'],
  'Group.Mute.Member.add': ['group/user/gag/add', { id: 'g', members, minute: 5 }],
  'Group.Mute.Member.remove': ['group/user/gag/rollback', { id: 'g', members }],
  'Group.Mute.Member.getList': ['group/user/gag/list', { id: 'g' }],
  'Group.Mute.Whitelist.add': ['group/user/ban/whitelist/add', { id: 'g', members }],
  'Group.Mute.Whitelist.remove': ['group/user/ban/whitelist/rollback', { id: 'g', members }],
  'Group.Mute.Whitelist.getList': ['group/user/ban/whitelist/query', { id: 'g' }],
  'Chatroom.get': ['chatroom/user/query', { id: 'c', count: 10, order: 1 }],
  'Chatroom.isExist': ['chatroom/users/exist', { id: 'c', members }],
  'Chatroom.Block.add': ['chatroom/user/block/add', { id: 'c', members, minute: 5 }],
  'Chatroom.Block.remove': ['chatroom/user/block/rollback', { id: 'c', members }],
  'Chatroom.Block.getList': ['chatroom/user/block/list', { id: 'c' }],
  'Chatroom.Ban.add': ['chatroom/user/ban/add', { members, minute: 5 }],
  'Chatroom.Ban.remove': ['chatroom/user/ban/remove', { members }],
  'Chatroom.Ban.getList': ['chatroom/user/ban/query'],
  'Chatroom.Gag.add': ['chatroom/user/gag/add', { id: 'c', members, minute: 5 }],
  'Chatroom.Gag.remove': ['chatroom/user/gag/rollback', { id: 'c', members }],
  'Chatroom.Gag.getList': ['chatroom/user/gag/list', { id: 'c' }],
  'Chatroom.KeepAlive.add': ['chatroom/keepalive/add', { id: 'c' }],
  'Chatroom.KeepAlive.remove': ['chatroom/keepalive/remove', { id: 'c' }],
  'Chatroom.KeepAlive.getList': ['chatroom/keepalive/query'],
  'Chatroom.Demotion.add': ['chatroom/message/priority/add', { msgs: ['RC:TxtMsg'] }],
  'Chatroom.Demotion.remove': ['chatroom/message/priority/remove', { msgs: ['RC:TxtMsg'] }],
  'Chatroom.Demotion.getList': ['chatroom/message/priority/query'],
  'Chatroom.Distribute.stop': ['chatroom/message/stopDistribution', { id: 'c' }],
  'Chatroom.Distribute.resume': ['chatroom/message/resumeDistribution', { id: 'c' }],
  'Chatroom.Whitelist.User.add': ['chatroom/user/whitelist/add', { id: 'c', members }],
  'Chatroom.Whitelist.User.remove': ['chatroom/user/whitelist/remove', { id: 'c', members }],
  'Chatroom.Whitelist.User.getList': ['chatroom/user/whitelist/query', { id: 'c' }],
  'Chatroom.Whitelist.Message.add': ['chatroom/whitelist/add', { msgs: ['RC:TxtMsg'] }],
  'Chatroom.Whitelist.Message.remove': ['chatroom/whitelist/delete', { msgs: ['RC:TxtMsg'] }],
  'Chatroom.Whitelist.Message.getList': ['chatroom/whitelist/query'],
};

function functionsOf(value, path = '') {
  return Object.entries(value).flatMap(([name, one]) => (
    typeof one === 'function' ? [`${path}${name}`] : functionsOf(one, `${path}${name}.`)));
}

test('these two lists are all that the SDK has', () => {
  assert.deepEqual(functionsOf(rc).sort(), [...OFFERED, ...Object.keys(NOT_OFFERED)].sort());
});

for (const [name, [path, argument]] of Object.entries(NOT_OFFERED)) {
  test(`${name} is answered by 404 in RongCloud's form`, async () => {
    const call = name.split('.').reduce((at, part) => at[part], rc);
    const answer = await call(structuredClone(argument));
    bad(answer, 404);
    assert.equal(answer.url, `/${path}.json`);
  });
}

test('an unknown path is JSON with a number whatever is sent to it', async () => {
  for (const [path, body, headers] of [
    ['/user/no/such/call.json', '', {}], ['/user/no/such/call.json', '{', { 'Content-Type': 'application/json' }],
    ['//user//unblock.json', 'userId=ann', {}], ['/nothing', 'a=b', {}], ['/message/recall', 'a=b', {}],
  ]) checkRefused(await post(server, FREE, path, body, headers), 404, 404);
});

test('after all of them the server works as before', async () => {
  good(await rc.User.register({ id: 'ann', name: 'Ann', portrait: 'http://127.0.0.1/a.png' }));
  good(await rc.User.OnlineStatus.get({ id: 'ann' }));
});
