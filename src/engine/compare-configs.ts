import { isJsonObject, parseJsonObject, type JsonObject } from '../formats/bounded-json';
import { quoted } from '../formats/text';
import type { Finding } from './finding';
import type { ModelInput } from './model-input';

const configLimits = { maxSizeBytes: 4_000_000, maxDepth: 32 };

/** What two models must share for an average of their weights to mean anything. */
const mustAgree = ['model_type', 'num_attention_heads', 'num_key_value_heads', 'head_dim'];
/** What often differs by design or by neglect; the donor's value is used. */
const shouldAgree = ['hidden_act', 'rms_norm_eps', 'rope_theta', 'rope_scaling', 'rope_parameters'];

const parsedConfigs = new WeakMap<ModelInput, JsonObject>();

/**
 * A model's `config.json`, read and parsed once; undefined when it has none.
 * @throws LabError `format/bad-config`, `format/too-large`, and as the file
 */
export async function readConfig(
  model: ModelInput,
  signal?: AbortSignal,
): Promise<JsonObject | undefined> {
  const known = parsedConfigs.get(model);
  if (known !== undefined) return known;
  const file = model.files.files.get('config.json');
  if (file === undefined) return undefined;
  const bytes = await file.read(0, Math.min(file.sizeBytes, configLimits.maxSizeBytes + 1), signal);
  const fileName = `${model.id}/config.json`;
  const config = parseJsonObject(bytes, fileName, 'format/bad-config', configLimits);
  parsedConfigs.set(model, config);
  return config;
}

/**
 * Differences between configs that no tensor's shape gives away. A key that one of two files lacks
 * is not compared: its default depends on the architecture. A model without a config fits by its tensors
 * alone.
 *
 * @param configs one of each model, in the same order; the donor first
 */
export function compareConfigs(
  models: readonly ModelInput[],
  configs: readonly (JsonObject | undefined)[],
): Finding[] {
  const findings: Finding[] = [];
  const [donor] = models;
  const [donorConfig] = configs;
  if (donor === undefined || donorConfig === undefined) return findings;
  models.forEach((model, index) => {
    const config = configs[index] ?? {};
    for (const key of [...mustAgree, ...shouldAgree]) {
      const [ours, theirs] = [donorConfig[key], config[key]];
      if (isAbsent(ours) || isAbsent(theirs) || sameJson(ours, theirs)) continue;
      const isError = mustAgree.includes(key);
      findings.push({
        severity: isError ? 'error' : 'warning',
        code: 'recipe/shape-mismatch',
        sentence: `"${key}" is ${shown(theirs)} in ${quoted(model.id)} but ${shown(ours)} in ${quoted(donor.id)}; ${isError ? 'choose models of one architecture and size' : `the merge takes it from ${quoted(donor.id)}`}.`,
        models: [donor.id, model.id],
      });
    }
  });
  return findings;
}

function isAbsent(value: unknown): boolean {
  return value === undefined || value === null;
}

function shown(value: unknown): string {
  return quoted(JSON.stringify(value));
}

/** Equal JSON, whatever the order of keys. */
function sameJson(a: unknown, b: unknown): boolean {
  return JSON.stringify(sortKeys(a)) === JSON.stringify(sortKeys(b));
}

function sortKeys(value: unknown): unknown {
  if (!isJsonObject(value)) return value;
  return Object.entries(value)
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([key, inner]) => [key, sortKeys(inner)]);
}
