// The source files that the rules are about: everything in the tree but what is built, installed or stored.
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const NOT_OURS = new Set(['node_modules', 'dist', 'build', '.test-build', '.git', '.work', 'data']);

/** Paths, relative to the root, of all files whose names end with one of `endings`. */
export function files(...endings) {
  const found = [];
  const walk = (folder) => {
    for (const entry of fs.readdirSync(path.join(ROOT, folder), { withFileTypes: true })) {
      const name = folder ? `${folder}/${entry.name}` : entry.name;
      if (entry.isDirectory()) {
        if (!NOT_OURS.has(entry.name)) walk(name);
      } else if (entry.isFile() && endings.some((ending) => entry.name.endsWith(ending))) {
        found.push(name);
      }
    }
  };
  walk('');
  return found.sort();
}

export const read = (file) => fs.readFileSync(path.join(ROOT, file), 'utf8');
export const C = ['.c', '.h'];
export const SCRIPT = ['.ts', '.tsx', '.js', '.mjs', '.cjs'];
