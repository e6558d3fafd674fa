// Sizes: no file over 500 lines, no function over 80, in C and in JavaScript and TypeScript.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import ts from 'typescript';
import { C, SCRIPT, files, read } from './tree.mjs';

const FILE_LINES = 500;
const FUNCTION_LINES = 80;

/** The functions of a C file in our style (braces in the first column): [{line, lines}]. */
function functionsOfC(text) {
  const lines = text.split('\n');
  const found = [];
  let start = -1;
  lines.forEach((line, index) => {
    if (line === '{') {
      start = index;
      while (start > 0 && /\S/.test(lines[start - 1]) && !/[;}/]\s*$/.test(lines[start - 1]) && !lines[start - 1].startsWith('#')) start -= 1;
    } else if (start >= 0 && line.startsWith('}')) {
      found.push({ line: start + 1, lines: index - start + 1 });
      start = -1;
    }
  });
  return found;
}

function functionsOfScript(file, text) {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const lineOf = (position) => source.getLineAndCharacterOfPosition(position).line;
  const found = [];
  const visit = (node) => {
    if (ts.isFunctionLike(node) && node.body) {
      found.push({ line: lineOf(node.getStart()) + 1, lines: lineOf(node.end) - lineOf(node.getStart()) + 1 });
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

test('there is something to look at', () => {
  assert.ok(files(...C).length > 20 && files(...SCRIPT).length > 10);
});

test(`no file is over ${FILE_LINES} lines`, () => {
  const long = files(...C, ...SCRIPT).map((file) => [file, read(file).split('\n').length - 1]).filter(([, lines]) => lines > FILE_LINES);
  assert.deepEqual(long, []);
});

test(`no function is over ${FUNCTION_LINES} lines`, () => {
  const long = [];
  for (const file of files(...C, ...SCRIPT)) {
    const text = read(file);
    const functions = file.endsWith('.c') || file.endsWith('.h') ? functionsOfC(text) : functionsOfScript(file, text);
    for (const { line, lines } of functions) if (lines > FUNCTION_LINES) long.push(`${file}:${line} ${lines}`);
  }
  assert.deepEqual(long, []);
});

test('the measure of C functions sees a long one', () => {
  const text = `static int f(int a,\n             int b)\n{\n${'    a++;\n'.repeat(90)}}\n`;
  assert.deepEqual(functionsOfC(text), [{ line: 1, lines: 94 }]);
});
