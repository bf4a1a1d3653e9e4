/** The direction of imports: a folder may import only what its list names (see CONTRIBUTING.md). */
const allowed = {
  core: [],
  formats: ['core'],
  recipe: ['core'],
  store: ['core', 'formats'],
  sources: ['core', 'formats', 'store'],
  linalg: ['core', 'expr'],
  gpu: ['core', 'formats', 'expr'],
  wasm: ['core', 'formats', 'expr'],
  expr: ['core', 'formats'],
  methods: ['core', 'formats', 'expr', 'linalg', 'gpu', 'wasm', 'store', 'sources'],
  engine: [
    'core',
    'formats',
    'recipe',
    'expr',
    'linalg',
    'gpu',
    'wasm',
    'store',
    'sources',
    'methods',
  ],
  model: ['core', 'formats', 'store', 'sources'],
  eval: ['core', 'formats', 'recipe', 'store', 'sources', 'engine', 'model'],
  workers: ['.*'],
  rpc: ['.*'],
  app: ['.*'],
  cli: ['.*'],
};

const layers = Object.entries(allowed)
  .filter(([, names]) => names[0] !== '.*')
  .map(([name, names]) => ({
    name: `direction-${name}`,
    severity: 'error',
    comment: `src/${name} may import only itself and ${names.join(', ') || 'nothing'}`,
    from: { path: `^src/${name}/` },
    to: { path: '^src/', pathNot: `^src/(${[name, ...names].join('|')})/` },
  }));

const folderOfPackage = {
  idb: 'store',
  comlink: 'rpc',
  'onnxruntime-web': 'model',
  '@huggingface/hub': 'sources/hub',
  '@huggingface/transformers': 'model',
  pyodide: 'eval/python',
  svelte: 'app',
  'ml-matrix': 'linalg',
  '@jax-js/jax': 'linalg',
};

const packages = Object.entries(folderOfPackage).map(([name, folder]) => ({
  name: `package-${name}`,
  severity: 'error',
  comment: `${name} is imported only in src/${folder}`,
  from: { path: '^(src|workers)/', pathNot: `^src/${folder}/` },
  to: { path: `node_modules/${name}/`, dependencyTypesNot: ['type-only'] },
}));

module.exports = {
  forbidden: [
    { name: 'no-cycle', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'app-and-cli-are-leaves',
      severity: 'error',
      comment: 'the page and the command line import the rest, never the other way round',
      from: { path: '^src/([^/]+)/' },
      to: { path: '^src/(app|cli)/', pathNot: '^src/$1/' },
    },
    {
      name: 'workers-below-rpc',
      severity: 'error',
      from: { path: '^src/workers/' },
      to: { path: '^src/(app|rpc|cli)/' },
    },
    ...layers,
    ...packages,
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'default'] },
  },
};
