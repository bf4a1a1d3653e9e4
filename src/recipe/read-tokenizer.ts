import { isAbsent, type Located, type LocatedMap } from './located';
import { readModel } from './read-model';
import { shortened, type Reading } from './reading';
import type { TokenizerSetting, TokenSource } from './recipe';

/** Tokens with settings of their own: a handful of special ones, as a rule. */
const maxTokenCount = 4096;

/** Reads `tokenizer`, or its short form `tokenizer_source`; both together are an error. */
export function readTokenizer(
  node: Located | undefined,
  sourceNode: Located | undefined,
  reading: Reading,
): TokenizerSetting | undefined {
  if (!isAbsent(node) && !isAbsent(sourceNode)) {
    reading.problems.error(
      'recipe/syntax',
      sourceNode,
      'a recipe has either tokenizer or tokenizer_source. Move the source into tokenizer.',
    );
    return undefined;
  }
  if (isAbsent(node)) {
    const source = readModel(sourceNode, 'tokenizer_source', reading);
    return source === undefined ? undefined : { source, tokens: {} };
  }
  if (node.kind !== 'map') {
    const sentence = 'tokenizer must be a mapping, such as {source: union}. Correct it.';
    reading.badValue(node, sentence);
    return undefined;
  }
  const fields = reading.fields(node, 'tokenizer');
  const source = fields.has('source')
    ? readModel(fields.get('source'), 'tokenizer.source', reading)
    : 'union';
  const padToMultipleOf = reading.wholeNumber(
    fields.get('pad_to_multiple_of'),
    'tokenizer.pad_to_multiple_of',
    1,
  );
  const tokens = readTokens(fields.get('tokens'), reading);
  if (source === undefined) return undefined;
  return {
    source,
    tokens,
    ...(padToMultipleOf === undefined ? {} : { padToMultipleOf }),
  };
}

function readTokens(node: Located | undefined, reading: Reading): TokenizerSetting['tokens'] {
  if (isAbsent(node)) return {};
  if (node.kind !== 'map' || node.entries.length > maxTokenCount) {
    const sentence = `tokenizer.tokens must be a mapping of at most ${maxTokenCount} tokens. Correct it.`;
    reading.badValue(node, sentence);
    return {};
  }
  return Object.fromEntries(
    node.entries.flatMap(({ key, value }) => {
      if (value.kind !== 'map') {
        const sentence = `the token ${shortened(key)} takes a mapping, such as {source: base}. Correct it.`;
        reading.badValue(value, sentence);
        return [];
      }
      const fields = reading.fields(value, 'token');
      const source = readTokenSource(fields.get('source'), reading);
      const token = {
        ...(source === undefined ? {} : { source }),
        force: readSwitch(fields.get('force'), 'force', reading),
      };
      return [[key, token]];
    }),
  );
}

function readTokenSource(node: Located | undefined, reading: Reading): TokenSource | undefined {
  if (isAbsent(node)) return undefined;
  const isKind = node.kind === 'map' && node.entries.some(({ key }) => key === 'kind');
  if (isKind) return readKind(node, reading);
  const model = readModel(node, 'source', reading);
  return model === undefined ? undefined : { kind: 'model', model };
}

function readKind(map: LocatedMap, reading: Reading): TokenSource | undefined {
  const fields = reading.fields(map, 'tokenSource');
  const kind = reading.choice(fields.get('kind'), 'kind', ['zero', 'model_token']);
  if (kind === undefined) return undefined;
  if (kind === 'zero') return { kind };
  const model = readModel(fields.get('model'), 'model', reading);
  const token = reading.text(fields.get('token'), 'token');
  const tokenId = reading.wholeNumber(fields.get('token_id'), 'token_id', 0);
  if (fields.has('token') === fields.has('token_id') || !fields.has('model')) {
    const sentence = 'kind: model_token takes model and exactly one of token and token_id.';
    reading.badValue(map, `${sentence} Correct it.`);
    return undefined;
  }
  const named = token ?? tokenId;
  return model === undefined || named === undefined
    ? undefined
    : { kind: 'modelToken', model, token: named };
}

function readSwitch(node: Located | undefined, key: string, reading: Reading): boolean {
  if (isAbsent(node)) return false;
  const value = node.kind === 'scalar' ? node.value : null;
  if (value === true || value === 1) return true;
  if (value !== false && value !== 0) {
    reading.badValue(node, `${key} must be true or false. Correct it.`);
  }
  return false;
}
