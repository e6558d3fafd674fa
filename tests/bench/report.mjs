// Puts the rows' results together: the table on the screen, the same in Markdown, and JSON. Started by tests/bench/run.
//   report.mjs RESULTS MARKDOWN [JSON]      exit status 3: a target was missed
//   report.mjs --failed ROW ERRORS          prints the result of a row that failed
import fs from 'node:fs';

const [first, second, third] = process.argv.slice(2);

if (first === '--failed') {
  const said = fs.readFileSync(third, 'utf8').trim().split('\n').filter(Boolean);
  const why = said.slice(-3).join(' ') || 'it ended without a word, or did not end in time';
  console.log(JSON.stringify({ row: second, what: `the row ${second}`, target: '', measured: '', low: '', high: '', rounds: '', verdict: 'FAILED', detail: why }));
  process.exit(0);
}

const results = fs.readFileSync(first, 'utf8').split('\n').filter(Boolean).map((line) => JSON.parse(line));
const lines = results.filter((result) => result.what);
const configs = results.filter((result) => result.config);
const about = {
  recalld: process.env.BENCH_SOURCE ?? '',
  date: process.env.BENCH_DATE ?? '',
  machine: process.env.BENCH_MACHINE ?? '',
  command: process.env.BENCH_COMMAND ?? '',
};

const columns = [
  ['what', (line) => line.what],
  ['target', (line) => (line.target === 'none' ? '–' : line.target)],
  ['measured', (line) => line.measured],
  ['spread', (line) => (line.low === line.high ? '' : `${line.low} to ${line.high}`)],
  ['rounds', (line) => line.rounds],
  ['verdict', (line) => line.verdict],
];
const cells = lines.map((line) => columns.map(([, cell]) => cell(line)));
const widths = columns.map(([name], i) => Math.max(name.length, ...cells.map((row) => [...row[i]].length)));
const aligned = (row) => row.map((cell, i) => cell + ' '.repeat(widths[i] - [...cell].length)).join('  ').trimEnd();

const star = lines.some((line) => line.rounds.endsWith('*'))
  ? 'A star: fewer than three rounds were undisturbed by other work, so disturbed ones are in it. Measure again on a quiet machine.\n' : '';

function markdown() {
  const escape = (cell) => cell.replaceAll('|', '\\|');
  const table = [columns.map(([name]) => name), columns.map(() => '---'), ...cells.map((row) => row.map(escape))]
    .map((row) => `| ${row.join(' | ')} |`).join('\n');
  const details = lines.map((line) => `- ${line.what}: ${line.detail}.`).join('\n');
  const peers = configs.map(({ peer, config }) => `${peer}:\n\`\`\`\n${config.trim()}\n\`\`\`\n`).join('\n');
  return `Measured with \`${about.command}\` on ${about.date}: recalld ${about.recalld}; ${about.machine}.\n\n${table}\n\n${star}${star && '\n'}`
    + `What is behind the figures:\n\n${details}\n${peers && `\nHow the peers were configured:\n\n${peers}`}`;
}

console.log(aligned(columns.map(([name]) => name)));
for (const row of cells) console.log(aligned(row));
for (const line of lines) if (line.verdict === 'FAILED') console.log(`\nFAILED ${line.row}: ${line.detail}`);
if (star) console.log(`\n${star.trim()}`);
fs.writeFileSync(second, markdown());
if (third) fs.writeFileSync(third, `${JSON.stringify({ ...about, lines, peers: configs }, null, 2)}\n`);
process.exit(lines.some((line) => ['MISSED', 'unsure', 'not measured'].includes(line.verdict)) ? 3 : 0);
