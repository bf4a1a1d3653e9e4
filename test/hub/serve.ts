// Serves the model folders below a folder as a Hub: tsx test/hub/serve.ts --root DIR --port N
import { parseArgs } from 'node:util';
import { modelsBelow } from './repos';
import { startHubServer } from './server';

const { values } = parseArgs({
  options: { root: { type: 'string' }, port: { type: 'string', default: '8123' } },
});
if (values.root === undefined) {
  console.error('usage: tsx test/hub/serve.ts --root DIR [--port N]');
  process.exit(1);
}
const server = await startHubServer({
  models: await modelsBelow(values.root),
  port: Number(values.port),
});
for (const [id, repo] of server.repos) {
  // Hashing gigabytes takes its time: before the first question, not while it waits.
  const listed = await repo.list(repo.commitOf('main') ?? '');
  console.error(`${id}: ${listed.length} files`);
}
console.log(server.url);
