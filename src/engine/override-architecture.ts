import type { JsonObject } from '../formats/bounded-json';
import { parseModelReference } from '../recipe/model-reference';

/** `architectures` of the known decoders and their `model_type`. */
const modelTypes: Readonly<Record<string, string>> = {
  LlamaForCausalLM: 'llama',
  MistralForCausalLM: 'mistral',
  Qwen2ForCausalLM: 'qwen2',
  Qwen3ForCausalLM: 'qwen3',
  GemmaForCausalLM: 'gemma',
  Gemma2ForCausalLM: 'gemma2',
  Gemma3ForCausalLM: 'gemma3_text',
  Olmo2ForCausalLM: 'olmo2',
  Phi3ForCausalLM: 'phi3',
  GPT2LMHeadModel: 'gpt2',
  GPTNeoXForCausalLM: 'gpt_neox',
};

/**
 * The config as the model takes part with it: a reference with mergekit's `override_architecture`
 * gives the model another architecture than its file says. The written config is not changed by it.
 */
export function withOverride(id: string, config: JsonObject | undefined): JsonObject | undefined {
  // Only this form of a reference can carry the key.
  if (config === undefined || !id.startsWith('{')) return config;
  const { overrideArchitecture } = parseModelReference(id);
  if (overrideArchitecture === undefined) return config;
  const modelType = modelTypes[overrideArchitecture] ?? overrideArchitecture;
  return { ...config, architectures: [overrideArchitecture], model_type: modelType };
}
