// `npm run bench [-- NAME …]`: runs all benchmarks, or those named. Every line of output is one JSON
// object; times are shared-machine times, so read the ratio to the baseline of the same run.
const benches: Readonly<Record<string, () => Promise<unknown>>> = {
  kernels: () => import('./kernels'),
  methods: () => import('./methods'),
  checkpoint: () => import('./checkpoint'),
  slider: () => import('./slider'),
  scale: () => import('./scale'),
};

const named = process.argv.slice(2);
const unknown = named.filter((name) => !Object.hasOwn(benches, name));
if (unknown.length > 0) {
  console.error(
    `error cli/usage: No benchmark ${unknown.join(', ')}. There are ${Object.keys(benches).join(', ')}.`,
  );
  process.exit(1);
}
for (const [name, load] of Object.entries(benches)) {
  if (named.length === 0 || named.includes(name)) await load();
}
// Idle threads and servers of a benchmark would keep the process alive.
process.exit(0);

export {};
