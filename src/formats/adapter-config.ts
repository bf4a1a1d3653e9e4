import { LabError } from '../core/errors';
import { isJsonObject, parseJsonObject, type JsonObject } from './bounded-json';
import { compileModulePattern, type ModulePattern } from './module-pattern';
import { quoted } from './text';

const configLimits = { maxSizeBytes: 4_000_000, maxDepth: 32 };
/** Patterns come from files we do not trust; names of modules are far shorter. */
const maxPatternLength = 256;

/** Number of one module: the first pattern that its name ends with. */
export interface ModuleValue {
  readonly pattern: ModulePattern;
  readonly value: number;
}

/** What `adapter_config.json` says of a LoRA adapter, as far as adding it to a model goes. */
export interface AdapterConfig {
  readonly rank: number;
  readonly alpha: number;
  /** Scales by alpha / √rank instead of alpha / rank. */
  readonly isRankStabilised: boolean;
  readonly rankPatterns: readonly ModuleValue[];
  readonly alphaPatterns: readonly ModuleValue[];
  /** Weights are stored [in, out], as GPT-2's are. */
  readonly isTransposed: boolean;
  /** The Hub id or path of the model that it was trained on, as it was called there. */
  readonly trainedOn?: string;
}

/**
 * Keys that change what an adapter means, each with the values that do not. Adding such an adapter
 * as if it were plain LoRA would give a wrong model without a sign of it.
 */
const plainValues: Readonly<Record<string, readonly unknown[]>> = {
  use_dora: [false],
  use_qalora: [false],
  use_bdlora: [false],
  layer_replication: [],
  megatron_config: [],
  alora_invocation_tokens: [],
  arrow_config: [],
  monteclora_config: [],
  trainable_token_indices: [],
  target_parameters: [],
};
/** Initialisations that also change the model's own weights, so that those on disk do not fit. */
const changingInits = /^(pissa|olora|corda|loftq|lora_ga)/;

/**
 * Parses `adapter_config.json` (PEFT 0.5 to 0.21).
 * @throws LabError `format/bad-config`, `format/too-large`; `engine/unsupported` for adapters that are
 * not LoRA, such as DoRA, and for variants that do more than add scale · B · A
 */
export function parseAdapterConfig(bytes: Uint8Array, fileName: string): AdapterConfig {
  const raw = parseJsonObject(bytes, fileName, 'format/bad-config', configLimits);
  refuseOtherKinds(raw, fileName);
  const rank = numberOf(raw['r'] ?? 8, 'r', fileName);
  if (!Number.isSafeInteger(rank) || rank < 1) throw badKey('r', 'a whole number', fileName);
  const trainedOn = raw['base_model_name_or_path'];
  return {
    rank,
    alpha: numberOf(raw['lora_alpha'] ?? 8, 'lora_alpha', fileName),
    isRankStabilised: raw['use_rslora'] === true,
    rankPatterns: patternsOf(raw['rank_pattern'], 'rank_pattern', fileName),
    alphaPatterns: patternsOf(raw['alpha_pattern'], 'alpha_pattern', fileName),
    isTransposed: raw['fan_in_fan_out'] === true,
    ...(typeof trainedOn === 'string' && trainedOn !== '' ? { trainedOn } : {}),
  };
}

/** Scale of B · A in one module: alpha / rank, or alpha / √rank (Kalajdzievski 2023). */
export function adapterScale(config: AdapterConfig, module: string): number {
  const alpha = valueFor(config.alphaPatterns, module) ?? config.alpha;
  const rank = adapterRank(config, module);
  return alpha / (config.isRankStabilised ? Math.sqrt(rank) : rank);
}

/** Columns of B and rows of A in one module. */
export function adapterRank(config: AdapterConfig, module: string): number {
  return valueFor(config.rankPatterns, module) ?? config.rank;
}

function valueFor(patterns: readonly ModuleValue[], module: string): number | undefined {
  return patterns.find(({ pattern }) => pattern.matches(module))?.value;
}

function refuseOtherKinds(raw: JsonObject, fileName: string): void {
  const kind = raw['peft_type'];
  if (kind !== 'LORA') {
    const shown = typeof kind === 'string' ? quoted(kind) : 'of no stated kind';
    throw unsupported(`is ${shown}; only LoRA adapters can be added to a model`, fileName);
  }
  for (const [key, plain] of Object.entries(plainValues)) {
    const value = raw[key];
    const isEmpty = value === undefined || value === null || isEmptyContainer(value);
    if (isEmpty || plain.includes(value)) continue;
    const name = key === 'use_dora' ? 'DoRA' : `"${key}"`;
    throw unsupported(`uses ${name}, which is more than plain LoRA`, fileName);
  }
  const init = raw['init_lora_weights'];
  if (typeof init === 'string' && changingInits.test(init.toLowerCase())) {
    throw unsupported(`begins from ${quoted(init)}, which changes the model itself`, fileName);
  }
}

function isEmptyContainer(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0;
  return isJsonObject(value) && Object.keys(value).length === 0;
}

/** Keys are regular expressions of Python, which for module names are those of JavaScript. */
function patternsOf(value: unknown, key: string, fileName: string): ModuleValue[] {
  if (value === undefined || value === null) return [];
  if (!isJsonObject(value)) throw badKey(key, 'an object of numbers', fileName);
  return Object.entries(value).map(([text, number]) => {
    if (text.length > maxPatternLength) throw badKey(key, 'shorter patterns', fileName);
    const pattern = compileModulePattern(text);
    if (pattern === undefined) {
      throw badKey(key, `plain regular expressions, not ${quoted(text)},`, fileName);
    }
    return { pattern, value: numberOf(number, key, fileName) };
  });
}

function numberOf(value: unknown, key: string, fileName: string): number {
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  throw badKey(key, 'a number', fileName);
}

function badKey(key: string, expected: string, fileName: string): LabError {
  return new LabError(
    'format/bad-config',
    `${fileName} needs ${expected} under "${key}"; correct the file or choose another adapter.`,
    { details: { file: fileName, key } },
  );
}

function unsupported(problem: string, fileName: string): LabError {
  return new LabError(
    'engine/unsupported',
    `The adapter of ${fileName} ${problem}; merge it into its model with PEFT first and use the merged folder.`,
    { details: { file: fileName } },
  );
}
