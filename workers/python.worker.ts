import { servePython } from '../src/eval/python/serve-python';

servePython();
