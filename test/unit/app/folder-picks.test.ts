import { describe, expect, it } from 'vitest';
import { modelFoldersIn } from '../../../src/app/models/folder-picks';

function file(path: string): File {
  const made = new File(['x'], path.split('/').at(-1) ?? path);
  Object.defineProperty(made, 'webkitRelativePath', { value: path, configurable: true });
  return made;
}

const names = (folders: readonly { name: string }[]): string[] => folders.map(({ name }) => name);

describe('modelFoldersIn', () => {
  it('takes the picked folder itself when it is a model', () => {
    const folders = modelFoldersIn([file('math/config.json'), file('math/model.safetensors')]);
    expect(names(folders)).toEqual(['math']);
    expect(folders[0]?.files).toHaveLength(2);
  });

  it('finds every model below a parent and leaves other files out', () => {
    const folders = modelFoldersIn([
      file('all/base/config.json'),
      file('all/base/model-00001-of-00002.safetensors'),
      file('all/math/config.json'),
      file('all/notes.txt'),
      file('all/pictures/cat.png'),
    ]);
    expect(names(folders)).toEqual(['base', 'math']);
    expect(folders.map(({ files }) => files.length)).toEqual([2, 1]);
  });

  it('gives files in deeper folders to the model above them', () => {
    const folders = modelFoldersIn([file('m/config.json'), file('m/onnx/model_q4.onnx')]);
    expect(folders[0]?.files).toHaveLength(2);
  });

  it('takes each safetensors file that lies in no model as a model of its own', () => {
    const lone = file('math.safetensors');
    Object.defineProperty(lone, 'webkitRelativePath', { value: '' });
    const folders = modelFoldersIn([lone, file('loras/code.safetensors'), file('loras/cat.png')]);
    expect(names(folders)).toEqual(['math', 'code']);
    expect(folders[0]?.files).toEqual([lone]);
  });

  it('says what is missing when there is no model', () => {
    expect(() => modelFoldersIn([file('photos/cat.png')])).toThrow(/photos holds no model/u);
  });
});
