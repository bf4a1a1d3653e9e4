import { LabError } from '../core/errors';
import type { ModelFiles } from '../sources/model-files';
import { modelTextNames, type ModelTexts } from './model-texts';

/** The largest published tokenizer.json files are about 35 MB. */
const maxTextBytes = 64 * 1024 * 1024;

/**
 * The small text files that a model needs to run, from its folder; absent ones are left out.
 * @throws LabError `format/too-large`, `source/…`
 */
export async function readModelTexts(files: ModelFiles, signal?: AbortSignal): Promise<ModelTexts> {
  const texts = new Map<string, string>();
  for (const name of modelTextNames) {
    const file = files.files.get(name);
    if (file === undefined) continue;
    if (file.sizeBytes > maxTextBytes) {
      throw new LabError(
        'format/too-large',
        `${files.label}/${name} has ${file.sizeBytes} bytes; at most ${maxTextBytes} are read. Check that it is the right file.`,
        { details: { file: name, sizeBytes: file.sizeBytes } },
      );
    }
    texts.set(name, new TextDecoder().decode(await file.read(0, file.sizeBytes, signal)));
  }
  return texts;
}
