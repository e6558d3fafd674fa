// Bundles the page into dist/: index.html, app.js, app.css, favicon.svg. Another folder may be named as the argument.
import { build } from 'esbuild';
import { copyFile, mkdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const out = process.argv[2] ? resolve(process.argv[2]) : join(here, 'dist');

await mkdir(out, { recursive: true });
await build({
  absWorkingDir: here,
  entryPoints: { app: 'src/main.ts' },
  outdir: out,
  bundle: true,
  format: 'esm',
  target: ['es2021', 'safari15'],
  minify: true,
  legalComments: 'none',
  // The client is taken from its source, so that neither package has to be built before the other.
  alias: { 'recall-client': join(here, '../js/src/index.ts') },
  logLevel: 'warning',
});
await build({
  absWorkingDir: here,
  entryPoints: { app: 'src/css/app.css' },
  outdir: out,
  bundle: true,
  minify: true,
  target: ['chrome105', 'safari15', 'firefox110'],
  logLevel: 'warning',
});
for (const name of ['index.html', 'favicon.svg']) {
  await copyFile(join(here, 'src', name), join(out, name));
}
