import { setMaxListeners } from 'node:events';

// As the command line: one signal ends all reads of a run, and Node takes more than ten for a leak.
setMaxListeners(100);
