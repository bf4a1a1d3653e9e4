// Fails when the JavaScript and CSS that index.html loads exceed the first-load budget.
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

const budgetBytes = 120 * 1024;
const html = readFileSync('dist/index.html', 'utf8');
const linked = [...html.matchAll(/(?:src|href)="\.\/([^"]+\.(?:js|css))"/g)].map(
  (match) => match[1],
);

// Static imports of a linked chunk are loaded with it; dynamic imports and workers are not.
const queue = [...linked];
const files = new Set();
while (queue.length > 0) {
  const file = queue.pop();
  if (files.has(file)) continue;
  files.add(file);
  if (!file.endsWith('.js')) continue;
  const folder = file.slice(0, file.lastIndexOf('/') + 1);
  const source = readFileSync(`dist/${file}`, 'utf8');
  for (const match of source.matchAll(/(?:from|import)\s*["']\.\/([\w.-]+\.js)["']/g)) {
    queue.push(folder + match[1]);
  }
}

let totalBytes = 0;
for (const file of files) {
  const sizeBytes = gzipSync(readFileSync(`dist/${file}`), { level: 9 }).length;
  totalBytes += sizeBytes;
  console.log(`${(sizeBytes / 1024).toFixed(1).padStart(7)} KiB  ${file}`);
}
const total = (totalBytes / 1024).toFixed(1);
console.log(`${total.padStart(7)} KiB gzipped in all; the budget is ${budgetBytes / 1024} KiB`);
if (files.size === 0 || totalBytes > budgetBytes) process.exit(1);
