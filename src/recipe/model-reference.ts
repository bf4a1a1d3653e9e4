import { LabError } from '../core/errors';

/** A folder, a Hub id, or a zoo id, at one revision. */
export interface ModelPath {
  readonly path: string;
  readonly revision?: string;
}

/** One input of a merge, taken apart. Two references are the same input when all parts are equal. */
export interface ModelReference {
  readonly model: ModelPath;
  readonly lora?: ModelPath;
  /** Stands for `architectures` of the model's config. */
  readonly overrideArchitecture?: string;
}

/**
 * Takes `PATH[@REVISION][+ADAPTER[@REVISION]]` apart, as mergekit 0.1.4 does, and the JSON text that
 * `formatModelReference` writes for what this grammar cannot say.
 * @throws LabError `recipe/bad-value` for more than one `+`, more than one `@` in a half, or an empty part
 */
export function parseModelReference(text: string): ModelReference {
  if (text.startsWith('{')) return fromJson(text);
  const halves = text.split('+');
  const [model = '', lora] = halves;
  if (halves.length > 2) {
    throw badReference(text, 'a model takes one adapter, written MODEL+ADAPTER');
  }
  return {
    model: parseModelPath(model, text),
    ...(lora === undefined ? {} : { lora: parseModelPath(lora, text) }),
  };
}

/** `PATH[@REVISION]`. @param whole names the text in the message. @throws LabError `recipe/bad-value` */
export function parseModelPath(text: string, whole = text): ModelPath {
  const [path = '', revision, ...rest] = text.split('@');
  if (rest.length > 0) {
    throw badReference(whole, 'a path takes one revision, written PATH@REVISION');
  }
  if (path === '') throw badReference(whole, 'the path is empty');
  if (revision === '') throw badReference(whole, 'the revision after @ is empty');
  return { path, ...(revision === undefined ? {} : { revision }) };
}

/**
 * The one text of a reference: equal references give equal texts. mergekit's grammar where it can say
 * it; else (an `override_architecture`, a `+` or `@` inside a path) the JSON text of mergekit's
 * mapping.
 */
export function formatModelReference(reference: ModelReference): string {
  const { model, lora } = reference;
  const parts = lora === undefined ? [model] : [model, lora];
  const isPlain =
    reference.overrideArchitecture === undefined &&
    !model.path.startsWith('{') &&
    parts.every(({ path, revision = '' }) => !/[@+]/.test(path) && !/[@+]/.test(revision));
  return isPlain ? parts.map(formatPath).join('+') : JSON.stringify(modelReferenceKeys(reference));
}

/** The reference as mergekit's mapping. */
export function modelReferenceKeys(reference: ModelReference): Record<string, unknown> {
  const { model, lora, overrideArchitecture } = reference;
  return {
    model: pathKeys(model),
    ...(lora === undefined ? {} : { lora: pathKeys(lora) }),
    ...(overrideArchitecture === undefined ? {} : { override_architecture: overrideArchitecture }),
  };
}

function pathKeys({ path, revision }: ModelPath): Record<string, string> {
  return revision === undefined ? { path } : { path, revision };
}

function formatPath({ path, revision }: ModelPath): string {
  return revision === undefined ? path : `${path}@${revision}`;
}

function fromJson(text: string): ModelReference {
  let fields: unknown;
  try {
    fields = JSON.parse(text);
  } catch {
    throw badReference(text, 'a text that starts with { must be JSON');
  }
  const model = pathFromJson(valueOf(fields, 'model'));
  const lora = pathFromJson(valueOf(fields, 'lora'));
  const architecture = valueOf(fields, 'override_architecture');
  if (model === undefined) throw badReference(text, 'it has no model.path');
  return {
    model,
    ...(lora === undefined ? {} : { lora }),
    ...(typeof architecture === 'string' ? { overrideArchitecture: architecture } : {}),
  };
}

function pathFromJson(fields: unknown): ModelPath | undefined {
  const path = valueOf(fields, 'path');
  const revision = valueOf(fields, 'revision');
  if (typeof path !== 'string' || path === '') return undefined;
  return typeof revision === 'string' ? { path, revision } : { path };
}

function valueOf(fields: unknown, key: string): unknown {
  if (typeof fields !== 'object' || fields === null || !Object.hasOwn(fields, key)) {
    return undefined;
  }
  return (fields as Readonly<Record<string, unknown>>)[key];
}

function badReference(text: string, why: string): LabError {
  const shown = text.length > 80 ? `${text.slice(0, 79)}…` : text;
  return new LabError(
    'recipe/bad-value',
    `"${shown}" does not name a model: ${why}. Correct the reference.`,
    { details: { model: shown } },
  );
}
