import type { HubGate } from './hub/listing';

/** A model on the public Hub that is known beforehand. What it costs is said again by its listing. */
export interface PresetModel {
  readonly repo: string;
  /** What it is in the family, such as `base` or `math`. */
  readonly role: string;
  readonly parameterCount: number;
  /** Bytes of its safetensors files; exact to about one percent. */
  readonly weightBytes: number;
  /** As its card names it; absent where the card could not be read: the base's terms bind anyway. */
  readonly licence?: string;
  readonly gate: HubGate;
}

/** A base and models fine-tuned from it, which merge with each other. */
export interface PresetFamily {
  readonly id: string;
  readonly title: string;
  /** One sentence about what it is good for, or what to beware of. */
  readonly note: string;
  readonly base: PresetModel;
  readonly specialists: readonly PresetModel[];
}

const bf16Bytes = 2;
const f32Bytes = 4;

/** Elements of all tensors, from the models' public configurations; tied heads count once. */
const gemma2b = 2_614_341_888;
const llama3b = 3_212_749_824;
const smol135m = 134_515_008;
const smol360m = 361_821_120;
const smol1b = 1_711_376_384;
const qwen05b = 494_032_768;
const qwen15b = 1_543_714_304;

/** MergeBench's order of domains (He et al. 2025), which is also that of its organisation on the Hub. */
const domains = ['instruction', 'math', 'coding', 'safety', 'multilingual'] as const;

/** Ready sets of models; nothing is fetched before one is opened. */
export const presetFamilies: readonly PresetFamily[] = [
  {
    id: 'smollm2-135m',
    title: 'SmolLM2 135M',
    note: 'The smallest: a base and its chat model, to see a merge of real models in a minute.',
    base: open('HuggingFaceTB/SmolLM2-135M', 'base', smol135m),
    specialists: [open('HuggingFaceTB/SmolLM2-135M-Instruct', 'instruction', smol135m)],
  },
  {
    id: 'smollm2-360m',
    title: 'SmolLM2 360M',
    note: 'A base and its chat model.',
    base: open('HuggingFaceTB/SmolLM2-360M', 'base', smol360m),
    specialists: [open('HuggingFaceTB/SmolLM2-360M-Instruct', 'instruction', smol360m)],
  },
  {
    id: 'smollm2-1.7b',
    title: 'SmolLM2 1.7B',
    note: 'A base and its chat model.',
    base: open('HuggingFaceTB/SmolLM2-1.7B', 'base', smol1b),
    specialists: [open('HuggingFaceTB/SmolLM2-1.7B-Instruct', 'instruction', smol1b)],
  },
  {
    id: 'qwen2.5-0.5b',
    title: 'Qwen2.5 0.5B',
    note: 'Chat and code from one base.',
    base: open('Qwen/Qwen2.5-0.5B', 'base', qwen05b),
    specialists: [
      open('Qwen/Qwen2.5-0.5B-Instruct', 'instruction', qwen05b),
      open('Qwen/Qwen2.5-Coder-0.5B', 'coding', qwen05b),
      open('Qwen/Qwen2.5-Coder-0.5B-Instruct', 'coding, instruction', qwen05b),
    ],
  },
  {
    id: 'qwen2.5-1.5b',
    title: 'Qwen2.5 1.5B',
    note: 'Chat, code and mathematics. The models for mathematics were trained on with another base of the position encoding, so the plan warns about them.',
    base: open('Qwen/Qwen2.5-1.5B', 'base', qwen15b),
    specialists: [
      open('Qwen/Qwen2.5-1.5B-Instruct', 'instruction', qwen15b),
      open('Qwen/Qwen2.5-Coder-1.5B', 'coding', qwen15b),
      open('Qwen/Qwen2.5-Coder-1.5B-Instruct', 'coding, instruction', qwen15b),
      open('Qwen/Qwen2.5-Math-1.5B', 'math', qwen15b),
      open('Qwen/Qwen2.5-Math-1.5B-Instruct', 'math, instruction', qwen15b),
    ],
  },
  // The pretrained Gemma is published in F32, everything else in BF16.
  mergeBench('google/gemma-2-2b', 'Gemma 2 2B', 'gemma', gemma2b, f32Bytes),
  mergeBench('google/gemma-2-2b-it', 'Gemma 2 2B Instruct', 'gemma', gemma2b, bf16Bytes),
  mergeBench('meta-llama/Llama-3.2-3B', 'Llama 3.2 3B', 'llama3.2', llama3b, bf16Bytes),
  mergeBench(
    'meta-llama/Llama-3.2-3B-Instruct',
    'Llama 3.2 3B Instruct',
    'llama3.2',
    llama3b,
    bf16Bytes,
  ),
];

function open(repo: string, role: string, parameterCount: number): PresetModel {
  return {
    repo,
    role,
    parameterCount,
    weightBytes: bf16Bytes * parameterCount,
    licence: 'apache-2.0',
    gate: 'open',
  };
}

/** A base behind its publisher's terms with MergeBench's five specialists, which anybody may read. */
function mergeBench(
  repo: string,
  title: string,
  licence: string,
  parameterCount: number,
  baseElementBytes: number,
): PresetFamily {
  const name = repo.slice(repo.indexOf('/') + 1);
  return {
    id: name.toLowerCase(),
    title: `MergeBench, ${title}`,
    note: 'Five specialists trained from one base. Some have more rows in the embedding than the base.',
    base: {
      repo,
      role: 'base',
      parameterCount,
      weightBytes: baseElementBytes * parameterCount,
      licence,
      gate: 'manual',
    },
    specialists: domains.map((domain) => ({
      repo: `MergeBench/${name}_${domain}`,
      role: domain,
      parameterCount,
      weightBytes: bf16Bytes * parameterCount,
      gate: 'open' as const,
    })),
  };
}
