import { shownBytes } from '../formats/text';
import { parseModelReference } from '../recipe/model-reference';
import type { MergePlan } from './plan';

/** One measured number of a merge, such as "math, 40 items" and "82 % (68 to 91)". */
export interface CardScore {
  readonly name: string;
  readonly value: string;
}

/** What the card says besides what the plan knows. */
export interface CardFacts {
  /** The merge's name, usually that of its folder. */
  readonly title: string;
  /** The recipe as YAML. */
  readonly recipeText: string;
  /** What computed it, such as "WebAssembly SIMD, 2 threads". */
  readonly device: string;
  /** SHA-256 of the weights, by path. */
  readonly hashes: ReadonlyMap<string, string>;
  readonly scores?: readonly CardScore[] | undefined;
}

/**
 * `README.md` of a merged checkpoint: a model card with the front matter that mergekit 0.1.4 writes
 * (hub ids only under `base_model`) and the licence where all models share one; then what was merged
 * how, the recipe, the scores, and the hashes of the weights.
 */
export function modelCard(plan: MergePlan, facts: CardFacts): string {
  const { method, specialists } = plan.merge;
  return [
    ...frontMatter(plan),
    '',
    `# ${facts.title}`,
    '',
    `This model is a merge of ${specialists.length} ${specialists.length === 1 ? 'model' : 'models'}, made with MergeLab.`,
    '',
    '## Method',
    '',
    `[${method.title}](${method.source.url}) (${method.source.text})${usedBase(plan)}:`,
    '',
    '```text',
    method.formula,
    '```',
    '',
    arithmeticOf(plan, facts.device),
    '',
    '## Models',
    '',
    ...modelLines(plan),
    '',
    '## Recipe',
    '',
    '```yaml',
    facts.recipeText.trimEnd(),
    '```',
    ...scoreLines(facts.scores ?? []),
    '',
    '## Weights',
    '',
    'SHA-256, as `sha256sum` prints it:',
    '',
    '```text',
    ...[...facts.hashes].map(([path, hash]) => `${hash}  ${path}`),
    '```',
    '',
  ].join('\n');
}

function frontMatter({ models, licences }: MergePlan): string[] {
  const hubIds = [...new Set(models.flatMap(({ id }) => pathsOf(id)))].filter(isHubId);
  const [licence, ...others] = new Set(models.map(({ id }) => licences.get(id)));
  return [
    '---',
    ...(hubIds.length === 0 ? [] : ['base_model:', ...hubIds.map((id) => `- ${id}`)]),
    ...(licence === undefined || others.length > 0 ? [] : [`license: ${licence}`]),
    'library_name: transformers',
    'tags:',
    '- mergekit',
    '- merge',
    '- mergelab',
    '---',
  ];
}

function usedBase({ merge }: MergePlan): string {
  return merge.base === undefined ? '' : `, with ${inCode(merge.base)} as base`;
}

function arithmeticOf({ merge, cost, donor, donorConfig }: MergePlan, device: string): string {
  const origin =
    donorConfig === undefined ? '' : ` Config and tokenizer come from ${inCode(donor.id)}.`;
  return `Arithmetic is float32, rounded once; the seed of random masks is ${merge.seed}. Computed on ${device}: ${cost.elementCount} weights in ${cost.tensorCount} tensors, ${shownBytes(cost.bytesWritten)}.${origin}`;
}

function modelLines({ models, merge, licences }: MergePlan): string[] {
  return models.map(({ id, contentHash }) => {
    const role = id === merge.base ? ' (base)' : '';
    const hash = contentHash === undefined ? '' : `, sha256 \`${contentHash}\``;
    const licence = licences.get(id);
    return `- ${inCode(id)}${role}${hash}${licence === undefined ? '' : `, licence ${licence}`}`;
  });
}

function scoreLines(scores: readonly CardScore[]): string[] {
  if (scores.length === 0) return [];
  const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
  const rows = scores.map(({ name, value }) => `| ${cell(name)} | ${cell(value)} |`);
  return ['', '## Scores', '', '| Task | Score |', '| --- | --- |', ...rows];
}

/** Model and adapter of a reference; a folder's name may be no reference at all. */
function pathsOf(id: string): string[] {
  try {
    const { model, lora } = parseModelReference(id);
    return lora === undefined ? [model.path] : [model.path, lora.path];
  } catch {
    return [id];
  }
}

/** `owner/name`: anything else is a folder on somebody's machine. */
function isHubId(id: string): boolean {
  return /^[\w-][\w.-]*\/[\w-][\w.-]*$/.test(id);
}

function inCode(text: string): string {
  return `\`${text.replaceAll('`', "'")}\``;
}
