import { isFloatDtype } from '../core/dtype';
import { roleOf } from './architecture';
import type { Finding } from './finding';
import { FindingList } from './finding-list';
import type { ModelsById, OutputName } from './layer-map';
import { sourcesOf } from './layer-map';
import {
  croppedFinding,
  leftOutFinding,
  missingFinding,
  mixedFinding,
  nothingFitsFinding,
  shapeFinding,
  skippedFinding,
  tooFewFinding,
  unmergeableFinding,
} from './match-findings';
import type { MatchedTensor, Member } from './matched-tensor';
import type { ModelTensors } from './model-tensors';
import type { ResolvedMerge, ResolvedSlice, ResolvedSource } from './resolve-recipe';
import type { ShapeRule } from './shape-rules';
import { fitShapes, sameShape, shapeRuleOf } from './shape-rules';
import { croppedSource, type FloatSource } from './tensor-source';

/**
 * Finds the tensors of every output name and says what does not fit.
 *
 * As in mergekit, a head is merged as soon as one model has its own, with the input embedding of
 * those that tie the two; a head that nobody has is not written. Unlike in mergekit, a stored head
 * counts only if its model's config does not tie it: loaders ignore it otherwise.
 */
export function matchTensors(
  merge: ResolvedMerge,
  names: readonly OutputName[],
  models: ModelsById,
): { readonly tensors: readonly MatchedTensor[]; readonly findings: readonly Finding[] } {
  const findings = new FindingList();
  const matcher = new Matcher(merge, models, findings);
  const tensors = names.flatMap((name) => matcher.match(name) ?? []);
  const taking = new Set(
    tensors.flatMap((tensor) =>
      tensor.kind === 'merge' ? tensor.specialists.map(({ model }) => model) : [],
    ),
  );
  const skipped = [...matcher.skipped].filter((model) => !taking.has(model));
  return { tensors, findings: [...skipped.map(nothingFitsFinding), ...findings.all()] };
}

class Matcher {
  /** Models that took no part in a tensor because of its shape. */
  readonly skipped = new Set<string>();
  readonly #merge: ResolvedMerge;
  readonly #models: ModelsById;
  readonly #findings: FindingList;
  readonly #rule: ShapeRule;

  constructor(merge: ResolvedMerge, models: ModelsById, findings: FindingList) {
    this.#merge = merge;
    this.#models = models;
    this.#findings = findings;
    this.#rule = shapeRuleOf(merge.method.id);
  }

  match(output: OutputName): MatchedTensor | undefined {
    const { name, slice, layer } = output;
    const sources = sourcesOf(slice);
    const found = sources.flatMap((source) => this.#memberOf(source, output) ?? []);
    const role = roleOf(name, found[0]?.tensor.shape ?? []);
    if (role === 'head' && !sources.some((source) => this.#modelOf(source)?.ownHead)) {
      return undefined;
    }
    const missing = sources.filter(({ model }) => !found.some((member) => member.model === model));
    if (missing.length > 0 && !this.#allowsMissing(name, slice, found, missing)) return undefined;
    const donor = found.find(({ model }) => model === this.#merge.donor) ?? found[0];
    if (donor === undefined) return undefined;
    const placed = { name, role, layer, slice: this.#merge.slices.indexOf(slice) };
    const floats = found.filter(isFloatMember);
    if (floats.length < found.length) {
      const isCopied = this.#allowsCopy(name, found);
      return isCopied ? { ...placed, kind: 'keep', tensor: donor.tensor } : undefined;
    }
    return this.#fit(placed, slice.base !== undefined, floats);
  }

  #modelOf(source: ResolvedSource): ModelTensors | undefined {
    return this.#models.get(source.model);
  }

  #memberOf(source: ResolvedSource, output: OutputName): Member | undefined {
    const model = this.#modelOf(source);
    const inputName = output.nameIn(source);
    const info = model?.find(inputName);
    if (model === undefined || info === undefined) return undefined;
    const place = output.slice.specialists.indexOf(source);
    return { model: source.model, place, inputName, tensor: { ...info, model: model.model } };
  }

  /** Whether the tensor can be merged without the models that lack it. */
  #allowsMissing(
    name: string,
    slice: ResolvedSlice,
    found: readonly Member[],
    missing: readonly ResolvedSource[],
  ): boolean {
    const owner = found[0]?.model ?? '';
    const lacking = missing.map(({ model }) => model);
    const isKnown = [...this.#models.values()].every(({ architecture }) => architecture.isKnown);
    const lacksBase = slice.base !== undefined && missing.includes(slice.base);
    if (isKnown || lacksBase || found.length === 0) {
      this.#findings.add('missing', missingFinding(name, owner, lacking));
      return false;
    }
    this.#findings.add('left out', leftOutFinding(name, owner, lacking));
    return true;
  }

  /** What is no weight is copied, unless it is a float that no kernel takes. */
  #allowsCopy(name: string, found: readonly Member[]): boolean {
    const odd = found.find(({ tensor }) => /^F(8|64)/.test(tensor.dtype));
    const ids = found.map(({ model }) => model);
    if (odd !== undefined) {
      this.#findings.add('unmergeable', unmergeableFinding(name, odd.model, odd.tensor));
      return false;
    }
    const dtype = found[0]?.tensor.dtype ?? '';
    this.#findings.add('mixed', mixedFinding(name, dtype, ids));
    return true;
  }

  #fit(
    placed: Pick<MatchedTensor, 'name' | 'role' | 'layer' | 'slice'>,
    hasBase: boolean,
    members: readonly Member<FloatSource>[],
  ): MatchedTensor | undefined {
    const { name, role } = placed;
    const shapes = members.map(({ tensor }) => tensor.shape);
    const keepsBase = this.#merge.method.keepsBase !== undefined;
    const outcome = fitShapes(this.#rule, role, shapes);
    const [first] = members;
    if (first === undefined) return undefined;
    if (outcome.kind === 'misfit') {
      // A method that leaves this tensor at the base does not care.
      if (keepsBase && (role === 'embedding' || role === 'head')) {
        return { ...placed, kind: 'keep', tensor: first.tensor };
      }
      this.#findings.add('shape', shapeFinding(name, role, members, outcome.odd));
      return undefined;
    }
    const { shape, skipped } = outcome;
    const taking = members.filter((_, index) => !skipped.includes(index));
    for (const index of skipped) {
      const left = members[index];
      if (left === undefined) continue;
      this.skipped.add(left.model);
      this.#findings.add('skipped', skippedFinding(name, left, first));
    }
    const cropped = taking.map((member): Member<FloatSource> => {
      if (sameShape(member.tensor.shape, shape)) return member;
      if (!keepsBase) this.#findings.add('cropped', croppedFinding(name, member, shape));
      return { ...member, tensor: croppedSource(member.tensor, shape) };
    });
    const base = hasBase ? cropped[0] : undefined;
    const specialists = base === undefined ? cropped : cropped.slice(1);
    if (specialists.length === 0) return { ...placed, kind: 'keep', tensor: first.tensor };
    if (specialists.length < this.#merge.method.specialistCount.min) {
      this.#findings.add('too few', tooFewFinding(name, this.#merge.method, specialists));
      return undefined;
    }
    return { ...placed, kind: 'merge', shape, base, specialists };
  }
}

function isFloatMember(member: Member): member is Member<FloatSource> {
  return isFloatDtype(member.tensor.dtype);
}
