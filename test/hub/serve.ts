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
for (const id of server.repos.keys()) console.error(id);
console.log(server.url);
