// The shape of the tree: which folder may include which, where libwebsockets is, what a file exports, what is not said.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { C, ROOT, SCRIPT, files, read } from './tree.mjs';

/** What each folder of gateway/ may include besides itself (gateway/CMakeLists.txt links the same way). */
const MAY_SEE = {
  edge: ['api', 'core', 'store', 'bus', 'auth', 'base', 'proto'],
  api: ['core', 'store', 'bus', 'auth', 'base', 'proto'],
  core: ['store', 'bus', 'auth', 'base', 'proto'],
  store: ['base', 'proto'],
  bus: ['base', 'proto'],
  auth: ['base', 'proto'],
  base: [],
};
const INCLUDE = /^\s*#\s*include\s*"([^"]+)"/gm;
const includesOf = (file) => [...read(file).matchAll(INCLUDE)].map((match) => match[1]);

test('a folder includes only what is right of it', () => {
  const wrong = [];
  for (const file of files(...C)) {
    const [top, layer, rest] = file.split('/');
    if (top === 'gateway' && rest) {
      for (const include of includesOf(file)) {
        const seen = include.includes('/') ? include.split('/')[0] : layer;
        if (seen !== layer && !MAY_SEE[layer]?.includes(seen)) wrong.push(`${file} includes ${include}`);
      }
    }
    if (top === 'proto') {
      for (const include of includesOf(file)) {
        if (include.includes('/') && !include.startsWith('proto/')) wrong.push(`${file} includes ${include}`);
      }
    }
  }
  assert.deepEqual(wrong, []);
});

test('libwebsockets stays in gateway/edge', () => {
  const wrong = files(...C).filter((file) => /#\s*include\s*[<"]libwebsockets/.test(read(file)) && !file.startsWith('gateway/edge/'));
  assert.deepEqual(wrong, []);
});

test('the core reads no clock and opens no socket', () => {
  const calls = /(?<![>.\w])(clock_gettime|gettimeofday|time|uv_now|uv_hrtime|socket|connect|accept4?|send|recv)\s*\(/;
  const wrong = files(...C).filter((file) => file.startsWith('gateway/core/')).flatMap((file) => (
    read(file).replace(/\/\*[\s\S]*?\*\//g, '').split('\n').filter((line) => calls.test(line)).map((line) => `${file}: ${line.trim()}`)));
  assert.deepEqual(wrong, []);
});

/** Object files of our own sources in a build with symbols that tell (the sanitizers' own names begin with __). */
function objects(folder) {
  const found = [];
  const walk = (dir) => {
    for (const entry of fs.readdirSync(dir, { withFileTypes: true })) {
      const name = path.join(dir, entry.name);
      if (entry.isDirectory()) walk(name);
      else if (entry.name.endsWith('.c.o')) found.push(name);
    }
  };
  for (const part of ['gateway', 'proto', 'clients']) if (fs.existsSync(path.join(folder, part))) walk(path.join(folder, part));
  return found;
}

test('foo.c exports only foo_…, a part of a larger whole the name of the whole', () => {
  const list = objects(process.env.RECALLD_BUILD ?? path.join(ROOT, 'build/asan'));
  assert.ok(list.length > 10, 'a build to look at');
  const wrong = [];
  for (const object of list) {
    const name = path.basename(object, '.c.o');
    if (name === 'main') continue;
    // A part that was split into several files keeps its name: session_auth.c exports session_…; and a folder behind one interface
    // (store/query.h, bus/bus.h) exports under the folder's name.
    const parts = name.split('_');
    const folder = /CMakeFiles\/(?:recalld|recall)_(\w+)\.dir/.exec(object)?.[1];
    const stems = [...parts.map((_, i) => parts.slice(0, i + 1).join('_')), folder];
    const symbols = execFileSync('nm', ['--defined-only', '--extern-only', '--format=posix', object], { encoding: 'utf8' });
    for (const symbol of symbols.split('\n').map((line) => line.split(' ')[0]).filter(Boolean)) {
      if (!symbol.startsWith('_') && !stems.some((stem) => symbol === stem || symbol.startsWith(`${stem}_`))) wrong.push(`${name}.c exports ${symbol}`);
    }
  }
  assert.deepEqual(wrong, []);
});

test('nothing is marked as left undone', () => {
  const marks = new RegExp(`\\b(${['TO' + 'DO', 'FIX' + 'ME', 'XX' + 'X', 'HA' + 'CK', 'not imple' + 'mented', 'st' + 'ub'].join('|')})\\b`);
  const wrong = files(...C, ...SCRIPT, '.md', '.css', '.html', '.yaml', '.sql', '.txt', 'run', 'quickstart').filter((file) => !file.includes('package-lock'))
    .flatMap((file) => read(file).split('\n').map((line, index) => [line, index + 1])
      .filter(([line]) => marks.test(line)).map(([line, at]) => `${file}:${at}: ${line.trim().slice(0, 80)}`));
  assert.deepEqual(wrong, []);
});

test('every header opens by saying what it is for, and guards itself', () => {
  const wrong = files('.h').filter((file) => {
    const text = read(file);
    return !text.startsWith('/*') || !/^(#ifndef \w+_H\n#define \w+_H|#pragma once)/m.test(text);
  });
  assert.deepEqual(wrong, []);
});

test('the top level holds what it should and nothing else', () => {
  const allowed = new Set(['gateway', 'proto', 'clients', 'tests', 'CMakeLists.txt', 'CMakePresets.json', 'README.md', 'LICENSE', 'build', 'data']);
  assert.deepEqual(fs.readdirSync(ROOT).filter((name) => !name.startsWith('.') && !allowed.has(name)), []);
  for (const name of ['README.md', 'LICENSE', 'CMakeLists.txt']) assert.ok(fs.existsSync(path.join(ROOT, name)), name);
});

test('the first two commands can be run, and the README names them', () => {
  const readme = read('README.md');
  for (const command of ['gateway/quickstart', 'tests/run']) {
    fs.accessSync(path.join(ROOT, command), fs.constants.X_OK);
    assert.ok(readme.includes(`./${command}`), command);
  }
  fs.accessSync(path.join(ROOT, '.ci/run'), fs.constants.X_OK);
});

test('shell scripts parse and stop at errors', () => {
  const scripts = ['.ci/run', 'tests/run', 'gateway/quickstart', ...files('.sh')];
  for (const script of scripts) {
    const text = read(script);
    const shell = /^#!.*\bbash\b/.test(text) ? 'bash' : 'sh';
    execFileSync(shell, ['-n', path.join(ROOT, script)]);
    assert.match(text, /^set -[a-z]*[eu]/m, `${script} sets -e or -u`);
  }
});
