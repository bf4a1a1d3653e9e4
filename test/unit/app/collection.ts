import type { Collection, ModelSummary } from '../../../src/rpc/lab';

function model(id: string, role: ModelSummary['role']): ModelSummary {
  return { id, title: id, role, parameterCount: 1000, sizeBytes: 2000, dtype: 'bfloat16' };
}

/** A collection of two specialists for tests of settings and links. */
export const smallCollection: Collection = {
  kind: 'zoo',
  base: model('base', 'base'),
  specialists: [model('math', 'specialist'), model('coding', 'specialist')],
  warnings: [],
};
