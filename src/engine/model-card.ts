import { shownBytes } from '../formats/text';
import type { MergePlan } from './plan';

/** What the card says besides what the plan knows. */
export interface CardFacts {
  /** The merge's name, usually that of its folder. */
  readonly title: string;
  /** The recipe as YAML. */
  readonly recipeText: string;
  /** What computed it, such as "WebAssembly SIMD, 2 threads". */
  readonly device: string;
}

/**
 * `README.md` of a merged checkpoint: a model card with the front matter that mergekit 0.1.4 writes
 * (hub ids only under `base_model`), what was merged how, and the recipe.
 */
export function modelCard(plan: MergePlan, { title, recipeText, device }: CardFacts): string {
  const { method, base, specialists, seed } = plan.merge;
  const hubIds = plan.models.map((model) => model.id).filter(isHubId);
  const frontMatter = [
    '---',
    ...(hubIds.length === 0 ? [] : ['base_model:', ...hubIds.map((id) => `- ${id}`)]),
    'library_name: transformers',
    'tags:',
    '- mergekit',
    '- merge',
    '- mergelab',
    '---',
  ];
  const inputs = plan.models.map((model) => {
    const role = model.id === base ? ' (base)' : '';
    const hash = model.contentHash === undefined ? '' : `, sha256 \`${model.contentHash}\``;
    return `- ${inCode(model.id)}${role}${hash}`;
  });
  const usesBase = base === undefined ? '' : `, with ${inCode(base)} as base`;
  const { cost } = plan;
  return [
    ...frontMatter,
    '',
    `# ${title}`,
    '',
    `This model is a merge of ${specialists.length} ${specialists.length === 1 ? 'model' : 'models'}, made with MergeLab.`,
    '',
    '## Method',
    '',
    `[${method.title}](${method.source.url}) (${method.source.text})${usesBase}:`,
    '',
    '```text',
    method.formula,
    '```',
    '',
    `Arithmetic is float32, rounded once; the seed of random masks is ${seed}. Computed on ${device}: ${cost.elementCount} weights in ${cost.tensorCount} tensors, ${shownBytes(cost.bytesWritten)}. Config and tokenizer are those of ${inCode(plan.donor.id)}.`,
    '',
    '## Models',
    '',
    ...inputs,
    '',
    '## Recipe',
    '',
    '```yaml',
    recipeText.trimEnd(),
    '```',
    '',
  ].join('\n');
}

/** `owner/name`: anything else is a folder on somebody's machine. */
function isHubId(id: string): boolean {
  return /^[\w-][\w.-]*\/[\w-][\w.-]*$/.test(id);
}

function inCode(text: string): string {
  return `\`${text.replaceAll('`', "'")}\``;
}
