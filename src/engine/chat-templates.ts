/**
 * Chat templates by mergekit's names, written for the formats that the families publish. `chatml` and
 * `mistral` render as mergekit 0.1.4's do; its `llama3` has a line break after every turn, `exaone`
 * indents turns, and `alpaca` runs the last instruction into the prompt, none of which models saw.
 */
export const chatTemplates: ReadonlyMap<string, string> = new Map(
  Object.entries({
    alpaca: [
      '{%- for message in messages -%}',
      "{%- if message['role'] == 'system' -%}{{ message['content'] + '\\n\\n' }}",
      "{%- elif message['role'] == 'user' -%}{{ '### Instruction:\\n' + message['content'] + '\\n\\n' }}",
      "{%- elif message['role'] == 'assistant' -%}{{ '### Response:\\n' + message['content'] + eos_token + '\\n\\n' }}",
      '{%- endif -%}',
      '{%- endfor -%}',
      "{%- if add_generation_prompt -%}{{ '### Response:\\n' }}{%- endif -%}",
    ],
    chatml: [
      '{%- for message in messages -%}',
      "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}",
      '{%- endfor -%}',
      "{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\\n' }}{%- endif -%}",
    ],
    exaone: [
      '{%- for message in messages -%}',
      "{%- if loop.first and message['role'] != 'system' -%}{{ '[|system|][|endofturn|]\\n' }}{%- endif -%}",
      "{{ '[|' + message['role'] + '|]' + message['content'] }}",
      "{%- if message['role'] == 'user' -%}{{ '\\n' }}{%- else -%}{{ '[|endofturn|]\\n' }}{%- endif -%}",
      '{%- endfor -%}',
      "{%- if add_generation_prompt -%}{{ '[|assistant|]' }}{%- endif -%}",
    ],
    llama3: [
      '{{- bos_token -}}',
      '{%- for message in messages -%}',
      "{{ '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n' + message['content'] | trim + '<|eot_id|>' }}",
      '{%- endfor -%}',
      "{%- if add_generation_prompt -%}{{ '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}{%- endif -%}",
    ],
    mistral: [
      "{%- set turns = namespace(system='') -%}",
      '{{- bos_token -}}',
      '{%- for message in messages -%}',
      "{%- if message['role'] == 'system' -%}{%- set turns.system = message['content'] + '\\n\\n' -%}",
      "{%- elif message['role'] == 'user' -%}{{ ' [INST] ' + turns.system + message['content'] + ' [/INST]' }}{%- set turns.system = '' -%}",
      "{%- elif message['role'] == 'assistant' -%}{{ ' ' + message['content'] + eos_token }}",
      '{%- endif -%}',
      '{%- endfor -%}',
    ],
  }).map(([name, lines]) => [name, lines.join('')]),
);
