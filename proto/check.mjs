// Checks that what describes recall.v1 agrees with itself: schemas, golden vectors, the frames shown in PROTOCOL.md,
// openapi.yaml and asyncapi.yaml. Run by `npm test`; exits 1 and names what is wrong.
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import Ajv2020 from 'ajv/dist/2020.js';
import { parse as parseYaml } from 'yaml';

const here = dirname(fileURLToPath(import.meta.url));
const read = (path) => readFileSync(join(here, path), 'utf8');
const problems = [];
let checks = 0;

/** Notes a problem unless `holds`. */
function check(holds, where, detail = '') {
  checks += 1;
  if (!holds) problems.push(`${where}: ${detail}`);
}

// --- schemas

const ajv = new Ajv2020({ allErrors: false, strict: true, strictTypes: false, strictRequired: false });
const schemaNames = readdirSync(join(here, 'schemas')).filter((name) => name.endsWith('.schema.json'));
for (const name of schemaNames) {
  const schema = JSON.parse(read(`schemas/${name}`));
  check(schema.$id === name, `schemas/${name}`, `$id is ${schema.$id}`);
  ajv.addSchema(schema);
}
const validators = new Map();
for (const name of schemaNames) {
  try {
    validators.set(name, ajv.getSchema(name));
  } catch (error) {
    check(false, `schemas/${name}`, error.message);
  }
}

/** Whether `value` is what the schema describes; the reason is in `because`. */
function fits(name, value) {
  const validate = validators.get(`${name}.schema.json`);
  const result = validate ? validate(value) : false;
  const because = validate ? ajv.errorsText(validate.errors) : 'there is no such schema';
  return { result, because };
}

function checkFits(name, value, where) {
  const { result, because } = fits(name, value);
  check(result, where, `does not fit ${name}: ${because}`);
}

// --- golden vectors

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The frame's text with its marks filled; undefined if the bytes are no UTF-8. */
function textOf(vector) {
  if (vector.hex !== undefined) {
    try {
      return utf8.decode(Buffer.from(vector.hex, 'hex'));
    } catch {
      return undefined;
    }
  }
  return Object.entries(vector.fill ?? {}).reduce(
    (text, [mark, { text: piece, times }]) => text.replaceAll(`\${${mark}}`, piece.repeat(times)),
    vector.text,
  );
}

function parsed(text) {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
}

function checkDecode() {
  const names = new Set();
  for (const vector of JSON.parse(read('vectors/decode.json')).vectors) {
    const where = `decode.json ${vector.name}`;
    const text = textOf(vector);
    const json = text === undefined ? undefined : parsed(text);
    check(!names.has(vector.name), where, 'the name stands twice');
    names.add(vector.name);
    check(json !== undefined || vector.status === 'malformed', where, 'no JSON, yet not malformed');
    if (json === undefined) continue;
    const { result, because } = fits('client-frame', json.value);
    const wanted = vector.status === 'ok' || vector.schemaAccepts === true;
    check(result === wanted, where, wanted ? `the schema refuses it: ${because}` : 'the schema accepts it');
  }
  check(names.size >= 100, 'decode.json', `only ${names.size} vectors`);
}

function checkEncode() {
  const file = JSON.parse(read('vectors/encode.json'));
  for (const vector of file.vectors) {
    const where = `encode.json ${vector.name}`;
    const json = parsed(vector.text);
    check(json !== undefined, where, 'the text is no JSON');
    if (json === undefined) continue;
    checkFits('server-frame', json.value, where);
    check(!/[<\u2028\u2029]/.test(vector.text), where, 'the text cannot stand inside a script element');
  }
  for (const { payload, hex } of file.headers) {
    const bytes = Buffer.from(hex, 'hex');
    const size = bytes[1] === 127 ? Number(bytes.readBigUInt64BE(2)) : bytes[1] === 126 ? bytes.readUInt16BE(2) : bytes[1];
    check(bytes[0] === 0x81 && size === payload, `encode.json header of ${payload}`, hex);
  }
  check(file.vectors.length >= 20 && file.headers.length >= 10, 'encode.json', 'vectors are missing');
}

function checkList() {
  const file = JSON.parse(read('vectors/list.json'));
  for (const vector of file.vectors) {
    const expectations = vector.steps.filter((step) => step.expect).length;
    check(expectations > 0, `list.json ${vector.name}`, 'expects nothing');
    for (const [i, step] of vector.steps.entries()) {
      const where = `list.json ${vector.name} step ${i}`;
      const [kind] = Object.keys(step);
      check(['event', 'signal', 'reset', 'expect'].includes(kind), where, `unknown step ${kind}`);
      if (kind === 'expect') continue;
      checkFits('server-frame', step[kind], where);
      check(step[kind].op === kind && step[kind].room === file.room, where, 'wrong op or room');
    }
  }
  check(file.vectors.length >= 20, 'list.json', 'vectors are missing');
}

// --- documents

/** Every frame in a block marked ```json client (or server, or a schema's name) of PROTOCOL.md fits its schema. */
function checkProtocol() {
  let blocks = 0;
  for (const [, kind, body] of read('PROTOCOL.md').matchAll(/^```json (\S+)\n([\s\S]*?)^```$/gm)) {
    const schema = kind === 'client' || kind === 'server' ? `${kind}-frame` : kind;
    for (const text of body.split(/\n(?=\{)/)) {
      blocks += 1;
      const json = parsed(text);
      check(json !== undefined, `PROTOCOL.md block ${blocks}`, `no JSON: ${text}`);
      if (json) checkFits(schema, json.value, `PROTOCOL.md: ${text.slice(0, 60)}`);
    }
  }
  check(blocks >= 20, 'PROTOCOL.md', `only ${blocks} frames are shown`);
}

function lookUp(document, pointer) {
  return pointer.split('/').slice(1).reduce(
    (value, key) => value?.[decodeURIComponent(key).replaceAll('~1', '/').replaceAll('~0', '~')], document);
}

/** Every $ref in a document leads somewhere, and no comma in a text made a key of what follows it. */
function checkRefs(file, document) {
  const walk = (value) => {
    if (value === null || typeof value !== 'object') return;
    for (const [key, inner] of Object.entries(value)) {
      check(inner !== null || !/[ .]/.test(key), file, `"${key}" became a key: quote the text before it`);
    }
    if (typeof value.$ref === 'string') {
      const [path, pointer = ''] = value.$ref.split('#');
      let target = document;
      try {
        if (path !== '') target = JSON.parse(read(normalize(path)));
      } catch {
        target = undefined;
      }
      check(target !== undefined && lookUp(target, pointer) !== undefined, file, `nothing at ${value.$ref}`);
    }
    Object.values(value).forEach(walk);
  };
  walk(document);
}

function checkOpenApi(file, least) {
  const document = parseYaml(read(file));
  const ids = new Set();
  checkRefs(file, document);
  for (const [path, item] of Object.entries(document.paths)) {
    const inPath = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
    for (const [method, operation] of Object.entries(item)) {
      if (method === 'parameters') continue;
      const where = `${file} ${method} ${path}`;
      const given = [...(item.parameters ?? []), ...(operation.parameters ?? [])]
        .map((one) => (one.$ref ? lookUp(document, one.$ref.slice(1)) : one))
        .filter((one) => one?.in === 'path')
        .map((one) => one.name);
      check(!ids.has(operation.operationId), where, `operationId ${operation.operationId}`);
      ids.add(operation.operationId);
      check(Object.keys(operation.responses ?? {}).length > 0, where, 'has no responses');
      check(inPath.sort().join() === given.sort().join(), where, `parameters ${given} for ${inPath}`);
    }
  }
  check(ids.size >= least, file, `only ${ids.size} calls`);
}

/** asyncapi.yaml names every frame's schema. */
function checkAsyncApi() {
  const text = read('asyncapi.yaml');
  checkRefs('asyncapi.yaml', parseYaml(text));
  for (const name of schemaNames) {
    if (!/^(client|server)-/.test(name) || name.endsWith('-frame.schema.json')) continue;
    check(text.includes(`schemas/${name}`), 'asyncapi.yaml', `does not name ${name}`);
  }
}

checkDecode();
checkEncode();
checkList();
checkProtocol();
checkOpenApi('openapi.yaml', 25);
checkOpenApi('openapi-rongcloud.yaml', 25);
checkAsyncApi();

if (problems.length > 0) {
  console.error(problems.join('\n'));
  console.error(`proto: ${problems.length} of ${checks} checks failed`);
  process.exitCode = 1;
} else {
  console.log(`proto: ${checks} checks passed`);
}
