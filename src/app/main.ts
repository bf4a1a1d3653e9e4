import { mount } from 'svelte';
import { createLab } from '../rpc/create-lab';
import { takeOverOffline } from '../rpc/offline';
import App from './App.svelte';
import { applyTheme, storedTheme } from './state/theme';

applyTheme(storedTheme());

const target = document.querySelector('#app');
if (target === null) throw new Error('MergeLab bug: index.html has no element #app');
target.replaceChildren();
mount(App, {
  target,
  props: {
    connect: async () => {
      await takeOverOffline();
      return createLab();
    },
  },
});
